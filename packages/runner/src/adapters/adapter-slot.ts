import type { FollowedPackage, LoadedAdapter } from '@runbeat/adapter-host';
import type { InstalledAdapter } from './installed-list.js';

/** A version of a package that is loaded in this process. */
export interface RunningAdapter {
  readonly loaded: LoadedAdapter;
  /** It runs from there: not to be deleted. */
  readonly folder: string;
  readonly version: string;
  readonly integrity: string | null;
}

/**
 * What this process has of one installed package.
 * - *trying*: `current` is null and `fault` too: it is being loaded for the first time;
 * - *loaded*: `current` is set; with `fault` also set, a newer version could not be loaded and this one goes on;
 * - *failed*: `current` is null and `fault` says why; it is tried again;
 * - *retired*: it is to go; `current` takes no new work and stays for the jobs that have it.
 * Written by `follow-adapters.ts` and what it calls.
 */
export interface AdapterSlot {
  entry: InstalledAdapter;
  current: RunningAdapter | null;
  fault: { readonly code: string; readonly message: string } | null;
  /** Monotonic; null = it is not to go. */
  retiredAtMs: number | null;
}

/** As `planFollow` wants it. */
export function followedFrom({ entry, current, fault, retiredAtMs }: AdapterSlot): FollowedPackage {
  return {
    packageName: entry.packageName,
    revision: entry.revision,
    // Without an adapter there is nothing of the entry's version yet, and what failed is to be tried again.
    version: current === null || fault !== null ? '' : current.version,
    integrity: current?.integrity ?? null,
    isRetired: retiredAtMs !== null,
  };
}
