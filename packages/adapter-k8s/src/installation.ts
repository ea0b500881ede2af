/**
 * The Runbeat installation that an adapter works for: all servers of one database. Supplied by the program that puts
 * server and adapter together; only a host that can name itself and answer for its runs should.
 */
export interface Installation {
  /** The same on every server and after every restart, of no other installation. Each Job carries it as a label. */
  readonly id: string;
  /**
   * Those of the ids whose run is not finished, on any server. Called by the sweep with the runs of Jobs that exist, at
   * most every five minutes and namespace. Rejects when it cannot be found out now; nothing is deleted then.
   */
  unfinishedRuns(runIds: readonly string[]): Promise<ReadonlySet<string>>;
}
