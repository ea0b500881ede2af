/** Where a piece of output came from. `system` is the adapter's or the host's own voice (a gap marker, a limit notice). */
export type OutputStreamV1 = 'stdout' | 'stderr' | 'system';
