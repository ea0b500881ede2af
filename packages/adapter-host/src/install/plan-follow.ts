/** What is wanted of an installed package, in a list that a host follows: a row of a table, an entry of a file. */
export interface WantedPackage {
  readonly packageName: string;
  /** Exact version that is to run. */
  readonly version: string;
  /** Of the package's tarball, as npm writes it (`sha512-…`); null when npm gave none. */
  readonly integrity: string | null;
  /** New with every change of the entry. */
  readonly revision: string;
  /** Set while a removal waits for the adapter's runs to end. */
  readonly removalRequestedAt: Date | null;
}

/** What a host has of an installed package. */
export interface FollowedPackage {
  readonly packageName: string;
  readonly revision: string;
  readonly version: string;
  readonly integrity: string | null;
  /** It takes no new runs here and goes when the running ones have ended. */
  readonly isRetired: boolean;
}

export type FollowStep<Wanted extends WantedPackage> =
  /** Not here yet: fetch, load. */
  | { readonly step: 'load'; readonly row: Wanted }
  /** Another version is to run. */
  | { readonly step: 'switch'; readonly row: Wanted }
  /** The entry was written anew, the version is the same. */
  | { readonly step: 'restate'; readonly row: Wanted }
  /** The entry is gone, or is to go: drain and go. */
  | { readonly step: 'retire'; readonly packageName: string };

/** What must be done so that this host runs what the list says. */
export function planFollow<Wanted extends WantedPackage>(
  rows: readonly Wanted[],
  here: readonly FollowedPackage[],
): readonly FollowStep<Wanted>[] {
  const steps: FollowStep<Wanted>[] = [];
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
