import { spawn } from 'node:child_process';
import { open, readFile, rename, rm, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ServerError } from '../server-error.js';
import type { PostgresBinaries } from './binaries.js';
import type { DatabaseFolder } from './database-folder.js';
import { type DatabaseUser, spawnIdentity } from './database-user.js';
import { postgresArguments } from './postgres-options.js';
import { readPostmasterPid } from './postmaster-pid.js';
import { commandLineOf, isProcessAlive } from './system-process.js';

/** A PostgreSQL server process, started by us or found. */
export interface Postmaster {
  readonly pid: number;
  readonly port: number;
}

const pollMs = 10;
const logLimitBytes = 4 * 1024 * 1024;

/**
 * The server that already has the folder, if one lives: it outlived a server that was killed. Waits while it comes up or
 * goes down. Removes `postmaster.pid` when its process is certainly another program, which PostgreSQL itself cannot tell.
 */
export async function findLivingPostmaster(folder: DatabaseFolder, timeoutMs: number): Promise<Postmaster | null> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const found = await readPostmasterPid(folder.data);
    if (found === null || !(await isProcessAlive(found.pid))) return null;
    const commandLine = await commandLineOf(found.pid);
    if (commandLine !== null && !commandLine.includes(folder.data)) {
      await rm(`${folder.data}/postmaster.pid`, { force: true });
      return null;
    }
    if (found.state === 'ready') return { pid: found.pid, port: found.port };
    if (Date.now() > deadline) {
      throw new ServerError(
        'database_start_failed',
        `A PostgreSQL (pid ${found.pid}) has had ${folder.data} in state "${found.state ?? 'unknown'}" for ${timeoutMs / 1_000} s. Look at ${folder.log}; end that process if it hangs.`,
      );
    }
    await delay(pollMs);
  }
}

export type StartFailure = { readonly kind: 'port_taken' } | { readonly kind: 'still_in_use' } | { readonly kind: 'failed' };

/** Starts a server of its own session, so that neither Ctrl-C in our terminal nor our end reaches it. */
export async function startPostmaster(options: {
  readonly folder: DatabaseFolder;
  readonly binaries: PostgresBinaries;
  readonly user: DatabaseUser | null;
  readonly port: number;
  readonly timeoutMs: number;
  readonly settings?: Readonly<Record<string, string>> | undefined;
  /** Called when the program runs, before it is ready. */
  readonly onSpawn?: (() => void) | undefined;
  /** Called once if it ends, whenever that is. */
  readonly onExit: () => void;
}): Promise<Postmaster | { readonly failure: StartFailure['kind']; readonly reason: string }> {
  const { folder, binaries, user, port } = options;
  const logStart = await cutLog(folder.log);
  const log = await open(folder.log, 'a', 0o600);
  let ended: string | null = null;
  const child = spawn(
    binaries.postgres,
    postgresArguments({ dataFolder: folder.data, port, majorVersion: binaries.majorVersion, settings: options.settings }),
    {
      ...spawnIdentity(user),
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    },
  );
  child.once('spawn', () => options.onSpawn?.());
  child.once('error', (error) => (ended ??= error.message));
  child.once('exit', (code, signal) => {
    ended ??= signal === null ? `exit code ${code}` : `signal ${signal}`;
    options.onExit();
  });
  child.unref();
  await log.close();

  const deadline = Date.now() + options.timeoutMs;
  while (ended === null) {
    const state = await readPostmasterPid(folder.data);
    if (child.pid !== undefined && state?.pid === child.pid && state.state === 'ready') return { pid: child.pid, port };
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      ended = `not ready within ${options.timeoutMs / 1_000} s`;
    }
    await delay(pollMs);
  }
  const said = (await readFile(folder.log, 'utf8')).slice(logStart).trim();
  return { failure: failureFrom(said), reason: `${ended}: ${lastWords(said)}` };
}

export function failureFrom(log: string): StartFailure['kind'] {
  if (/could not bind|Address already in use/.test(log)) return 'port_taken';
  if (/pre-existing shared memory block|lock file .* already exists/.test(log)) return 'still_in_use';
  return 'failed';
}

function lastWords(log: string): string {
  const lines = log.split('\n').filter((line) => /FATAL|ERROR|PANIC|HINT|DETAIL|error/.test(line));
  return (lines.length > 0 ? lines : log.split('\n')).slice(-4).join(' | ') || 'it said nothing';
}

/** Keeps the log of one server life before this one; returns where this one's words begin. */
async function cutLog(path: string): Promise<number> {
  const size = await stat(path).then(
    (found) => found.size,
    () => 0,
  );
  if (size <= logLimitBytes) return size;
  await rename(path, `${path}.old`);
  return 0;
}

/** `SIGINT` (fast shutdown, open transactions are rolled back), after the limit `SIGQUIT` (the next start recovers). */
export async function stopPostmaster(postmaster: Postmaster, limitMs: number): Promise<'stopped' | 'forced' | 'already_gone'> {
  if (!signal(postmaster.pid, 'SIGINT')) return 'already_gone';
  if (await waitForEnd(postmaster.pid, limitMs)) return 'stopped';
  signal(postmaster.pid, 'SIGQUIT');
  if (!(await waitForEnd(postmaster.pid, 5_000))) signal(postmaster.pid, 'SIGKILL');
  return 'forced';
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

async function waitForEnd(pid: number, limitMs: number): Promise<boolean> {
  const deadline = Date.now() + limitMs;
  while (await isProcessAlive(pid)) {
    if (Date.now() > deadline) return false;
    await delay(pollMs);
  }
  return true;
}
