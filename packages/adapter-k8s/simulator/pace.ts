/**
 * How long things take, in milliseconds. `REAL_PACE` is what test/golden shows on a real node; `QUICK_PACE` keeps the same
 * order of events with gaps that tests can afford.
 */
export interface Pace {
  readonly suspend: number;
  readonly schedule: number;
  readonly kubeletSync: number;
  readonly containerStart: number;
  /** From the exit to `terminated` in the status. */
  readonly terminatedAfterExit: number;
  /** From `terminated` to the phase, when the container ended by itself. */
  readonly phaseAfterTerminated: number;
  readonly jobSync: number;
  readonly followEndAfterExit: number;
  readonly removalAfterEnd: number;
  readonly deadlineCheck: number;
  readonly imageRetry: number;
  readonly failedCreateRetry: number;
  readonly replacement: number;
  readonly garbageCollection: number;
  /** The kubelet's resync: how soon a lowered deadline or a mended Secret is noticed. */
  readonly resync: number;
  readonly bookmark: number;
}

export const REAL_PACE: Pace = {
  suspend: 5,
  schedule: 4,
  kubeletSync: 15,
  containerStart: 400,
  terminatedAfterExit: 500,
  phaseAfterTerminated: 1060,
  jobSync: 1000,
  followEndAfterExit: 900,
  removalAfterEnd: 500,
  deadlineCheck: 1000,
  imageRetry: 12_000,
  failedCreateRetry: 1000,
  replacement: 8000,
  garbageCollection: 200,
  resync: 3000,
  bookmark: 60_000,
};

export const QUICK_PACE: Pace = {
  suspend: 2,
  schedule: 2,
  kubeletSync: 3,
  containerStart: 5,
  terminatedAfterExit: 10,
  phaseAfterTerminated: 30,
  jobSync: 15,
  followEndAfterExit: 25,
  removalAfterEnd: 10,
  deadlineCheck: 25,
  imageRetry: 60,
  failedCreateRetry: 50,
  replacement: 60,
  garbageCollection: 10,
  resync: 40,
  bookmark: 1000,
};
