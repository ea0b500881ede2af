/**
 * Why `signal` aborted (`signal.reason`).
 * - `cancelled`: somebody asked for the end; `timed_out`: a limit passed. Both: stop the work, settle when it ended.
 * - `host_shutdown`: the host ends in an orderly way. Attached adapters stop the work; out-of-process ones leave it
 *   running and return `{ status: 'detached' }`.
 * - `fenced`: another host owns the run now. Stop touching it and return at once.
 */
export interface AbortReasonV1 {
  readonly kind: 'cancelled' | 'timed_out' | 'host_shutdown' | 'fenced';
  /** For people; absent when there is nothing to add. */
  readonly message?: string;
  /** With `timed_out`: the limit that passed, in milliseconds. */
  readonly limitMs?: number;
}
