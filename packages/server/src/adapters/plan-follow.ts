import type { InstalledAdapter } from './installed-adapter-store.js';

/** What an instance has of an installed package. */
export interface FollowedPackage {
  readonly packageName: string;
  readonly revision: string;
  readonly version: string;
  readonly integrity: string | null;
  /** It takes no new runs here and goes when the running ones have ended. */
  readonly isRetired: boolean;
}

export type FollowStep =
  /** Not here yet: fetch, load. */
  | { readonly step: 'load'; readonly row: InstalledAdapter }
  /** Another version is to run. */
  | { readonly step: 'switch'; readonly row: InstalledAdapter }
  /** The row was written anew, the version is the same. */
  | { readonly step: 'restate'; readonly row: InstalledAdapter }
  /** The row is gone, or is to go: drain and go. */
  | { readonly step: 'retire'; readonly packageName: string };

/** What must be done so that this instance runs what the rows say. */
export function planFollow(rows: readonly InstalledAdapter[], here: readonly FollowedPackage[]): readonly FollowStep[] {
  const steps: FollowStep[] = [];
  for (const row of rows) {
    const own = here.find((one) => one.packageName === row.packageName);
    const isLeaving = row.removalRequestedAt !== null;
    // A row that is to go is loaded after a restart all the same: its runs may still be at work outside.
    if (!own || (own.isRetired && !isLeaving)) steps.push({ step: 'load', row });
    else if (own.isRetired) continue;
    else if (isLeaving) steps.push({ step: 'retire', packageName: row.packageName });
    else if (own.version !== row.version || own.integrity !== row.integrity) steps.push({ step: 'switch', row });
    else if (own.revision !== row.revision) steps.push({ step: 'restate', row });
  }
  for (const own of here) {
    if (!own.isRetired && !rows.some((row) => row.packageName === own.packageName))
      steps.push({ step: 'retire', packageName: own.packageName });
  }
  return steps;
}
