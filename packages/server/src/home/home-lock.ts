import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ownIdentity, type ProcessIdentity, processLife } from '@runbeat/adapter-sdk/processes';
import { ServerError } from '../server-error.js';

/** The right to use a home folder, held by one process. */
export interface HomeLock {
  readonly path: string;
  /** Idempotent. Without it the lock becomes stale with the end of the process. */
  release(): Promise<void>;
}

interface Holder {
  readonly pid: number;
  readonly host: string;
}

/** A holder on another host cannot be looked at; it touches its lock, and is believed dead after three missed touches. */
const touchMs = 20_000;
const remoteStaleMs = 3 * touchMs;
/** Taking over a stale lock takes milliseconds; whoever is in it for longer died there. */
const takeoverStaleMs = 10_000;

/**
 * Takes the exclusive lock of a home folder. Rejects at once with `home_locked`, naming the holder's pid, while another
 * process has it. A lock whose holder is gone (pid, start time and boot are compared, so a reused pid deceives nobody) is
 * taken over.
 */
export async function acquireHomeLock(home: string): Promise<HomeLock> {
  const path = join(home, 'server.lock');
  const content = `${JSON.stringify({ ...ownIdentity(), token: randomBytes(8).toString('hex'), since: new Date().toISOString() })}\n`;
  for (;;) {
    if (await createWhole(path, content)) return heldLock(path, content);
    const holder = await readHolder(path);
    if (holder === null) continue;
    if (!holder.isStale) throw locked(home, holder.identity);
    await takeAway(path, holder.content);
  }
}

function locked(home: string, holder: Holder): ServerError {
  return new ServerError(
    'home_locked',
    `The home folder ${home} is in use by another Runbeat server: pid ${holder.pid} on ${holder.host}. Stop that one first, or give this one a folder of its own by --home.`,
  );
}

/** The file appears with its content or not at all: a reader never sees a lock without a holder. */
async function createWhole(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(draft, content, { flag: 'wx', mode: 0o644 });
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function readHolder(
  path: string,
): Promise<{ readonly content: string; readonly identity: Holder; readonly isStale: boolean } | null> {
  const content = await readFile(path, 'utf8').catch(absent);
  const touchedAt = await stat(path).then((found) => found.mtimeMs, absent);
  if (content === null || touchedAt === null) return null;
  const identity = identityFrom(content);
  const life = identity === null ? 'gone' : await processLife(identity);
  return {
    content,
    identity: identity ?? { pid: 0, host: 'unknown' },
    // One that cannot be looked at is believed; on another host, as long as it touches its lock.
    isStale: life === 'gone' || (life === 'unknown' && identity?.host !== hostname() && Date.now() - touchedAt > remoteStaleMs),
  };
}

/** Null for what no release of ours wrote (a full disk can leave an empty file after a power cut). */
function identityFrom(content: string): (Holder & ProcessIdentity) | null {
  try {
    const identity = JSON.parse(content) as Holder & ProcessIdentity;
    return Number.isInteger(identity.pid) && identity.pid > 0 && typeof identity.host === 'string' ? identity : null;
  } catch {
    return null;
  }
}

/**
 * Removes a stale lock, if it still is the one that was judged. One at a time, by a folder as mutex: otherwise a slow
 * second one could remove the lock that a quick first one has just taken.
 */
async function takeAway(path: string, judgedContent: string): Promise<void> {
  const mutex = `${path}.takeover`;
  try {
    await mkdir(mutex);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    const madeAt = await stat(mutex).then((found) => found.mtimeMs, absent);
    if (madeAt !== null && Date.now() - madeAt > takeoverStaleMs) await rmdir(mutex).catch(absent);
    await delay(20);
    return;
  }
  try {
    if ((await readFile(path, 'utf8').catch(absent)) === judgedContent) await rm(path, { force: true });
  } finally {
    await rmdir(mutex);
  }
}

function heldLock(path: string, content: string): HomeLock {
  const timer = setInterval(() => {
    const now = new Date();
    // A failed touch matters only to other hosts, and only when several fail in a row.
    utimes(path, now, now).catch(() => undefined);
  }, touchMs);
  timer.unref();
  let released: Promise<void> | null = null;
  return {
    path,
    release() {
      clearInterval(timer);
      released ??= removeOwn(path, content);
      return released;
    },
  };
}

async function removeOwn(path: string, content: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(absent)) === content) await rm(path, { force: true });
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
