import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { parsePackageSpec } from '@runbeat/adapter-host';
import { type RunnerHealth, runnerHealthSchema } from '@runbeat/protocol';
import { homeLockName } from '../home/home-lock.js';
import type { AdapterHome } from './adapter-home.js';
import type { InstalledAdapter } from './installed-list.js';

/**
 * - `ready`: the runner that works from this home offers it. `loading`: it has not got to it yet.
 * - `error`: it does not work there; `lastError` says why, and it is tried again.
 * - `leaving`: removed, and kept for the jobs that have it.
 * - `installed`: no runner works from this home now. `missing`: the same, and its package is not on the disk; the next
 *   start of the runner fetches it again.
 */
export type InstalledAdapterState = 'ready' | 'loading' | 'error' | 'leaving' | 'installed' | 'missing';

export interface InstalledAdapterListing {
  readonly type: string;
  readonly packageName: string;
  readonly version: string;
  readonly integrity: string | null;
  readonly source: string;
  /** Variables of the runner's environment that its worker may see. */
  readonly environment: readonly string[];
  readonly state: InstalledAdapterState;
  readonly lastError: { readonly code: string; readonly message: string } | null;
  /** ISO time. */
  readonly installedAt: string;
}

/** Entries of the list with what has become of them. `runnerPid` null = no runner works from this home. */
export async function listAdapters(options: {
  readonly adapters: AdapterHome;
  readonly home: string;
  readonly runnerPid: number | null;
  readonly entries: readonly InstalledAdapter[];
}): Promise<readonly InstalledAdapterListing[]> {
  const { adapters, home, runnerPid, entries } = options;
  const health = runnerPid === null ? null : await readHealth(home);
  return await Promise.all(
    entries.map(async (entry) => {
      const { adapterType: type, packageName, version, integrity, source, environment, installedAt } = entry;
      const issue = health?.client?.adapterIssues.find(
        (one) => one.package?.name === packageName && one.package.version === version,
      );
      const isOffered = health?.runner.adapters.some((one) => one.type === type && one.version === version) ?? false;
      const state = async (): Promise<InstalledAdapterState> => {
        if (entry.removalRequestedAt !== null) return 'leaving';
        if (runnerPid === null) return (await isOnDisk(adapters, entry)) ? 'installed' : 'missing';
        if (issue) return 'error';
        return isOffered ? 'ready' : 'loading';
      };
      return {
        type,
        packageName,
        version,
        integrity,
        source,
        environment,
        state: await state(),
        lastError: issue ? { code: issue.code, message: issue.message } : null,
        installedAt: installedAt.toISOString(),
      };
    }),
  );
}

async function isOnDisk({ installer, folder }: AdapterHome, entry: InstalledAdapter): Promise<boolean> {
  const { packageName: name, version, integrity } = entry;
  const { kind } = parsePackageSpec(entry.source, folder);
  return (await installer.find({ name, version, integrity, kind })) !== null;
}

/** As the runner of now tells it; null while it has not told anything. */
async function readHealth(home: string): Promise<RunnerHealth | null> {
  const path = join(home, 'health.json');
  const [written, started] = await Promise.all([changedAtMs(path), changedAtMs(join(home, homeLockName))]);
  // What the process before it left says nothing about this one.
  if (written === null || (started !== null && written < started)) return null;
  const text = await readFile(path, 'utf8').catch(() => null);
  try {
    const parsed = text === null ? null : runnerHealthSchema.safeParse(JSON.parse(text));
    return parsed?.success ? parsed.data : null;
  } catch {
    return null;
  }
}

async function changedAtMs(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.mtimeMs ?? null;
}
