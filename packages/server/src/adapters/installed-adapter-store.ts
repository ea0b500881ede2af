import type { Json } from '@runbeat/adapter-sdk';

/** An adapter that an operator added at run time. One row switches a package's version for all instances. */
export interface InstalledAdapter {
  readonly packageName: string;
  readonly adapterType: string;
  /** What the operator asked for: `@acme/foo@^1`, or the absolute path of a folder or tarball. */
  readonly source: string;
  /** Exact version that is to run. */
  readonly version: string;
  /** Of the package's tarball, as npm writes it (`sha512-…`); null when npm gave none. */
  readonly integrity: string | null;
  /** As `installSettingsSchema` understands it. */
  readonly settings: Json;
  readonly installedBy: string | null;
  readonly installedAt: Date;
  /** Set while a removal waits for the adapter's runs to end. */
  readonly removalRequestedAt: Date | null;
  /** New with every write of the row; instances compare it with what they have loaded. */
  readonly revision: string;
}

/** What `put` writes; the store adds times and revision and clears a removal that was asked for. */
export type InstalledAdapterChange = Omit<InstalledAdapter, 'installedAt' | 'removalRequestedAt' | 'revision'>;

export type PutOutcome =
  | { readonly outcome: 'stored'; readonly row: InstalledAdapter }
  /** Another package has the type; `replaces` did not name it. */
  | { readonly outcome: 'type_taken'; readonly holder: string }
  /** Somebody switched or removed the row since it was read. */
  | { readonly outcome: 'stale' };

/** The table `installed_adapters`, as the catalogue needs it. Called by the catalogue alone. */
export interface InstalledAdapterStore {
  list(): Promise<readonly InstalledAdapter[]>;
  /**
   * Insert the row, or switch it when its revision is still `expectedRevision` (null = there was no row).
   * @param options.replaces package whose row goes in the same transaction: an override takes its type.
   */
  put(
    change: InstalledAdapterChange,
    options: { readonly expectedRevision: string | null; readonly replaces?: string },
  ): Promise<PutOutcome>;
  /** Mark that the row goes when its runs have ended; null = there is no such row. */
  requestRemoval(packageName: string): Promise<InstalledAdapter | null>;
  /** False = there was no such row. */
  remove(packageName: string): Promise<boolean>;
  /** Told after another instance changed the table, where the store can know; absent = the catalogue polls alone. */
  onChange?(listener: () => void): () => void;
}
