/** What `terminate` found. In each case nothing of the run is alive when it resolves. */
export interface TerminationV1 {
  readonly stopped: 'already_gone' | 'graceful' | 'forced';
}
