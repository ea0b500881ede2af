/** Every wait, limit and threshold of the adapter, in milliseconds. Tests scale them; nobody else needs to. */
export interface Timings {
  /** How long a call may take, from the first byte sent to the last received. */
  readonly callMs: number;
  /** How long a stream may take until its headers are there. */
  readonly streamHeaderMs: number;
  /** A watch without a byte (not even a bookmark, which comes every 60 s) is dead after this. */
  readonly watchIdleMs: number;
  /** A plain log without a byte is asked for anew after this: silence and a black hole look the same. */
  readonly plainLogIdleMs: number;
  /** A framed log has a heartbeat every 15 s, so silence means something. */
  readonly framedLogIdleMs: number;
  readonly watchTimeoutMinSeconds: number;
  readonly watchTimeoutMaxSeconds: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  /** How often a run looks at its thresholds when nothing happens. */
  readonly tickMs: number;
  /** A run without news for this long asks for its Job and Pod itself. */
  readonly newsMs: number;
  readonly aliveMs: number;
  readonly unschedulableMs: number;
  readonly imagePullMs: number;
  readonly imageInvalidMs: number;
  readonly containerConfigMs: number;
  readonly volumeMs: number;
  readonly podCreateMs: number;
  readonly quotaMs: number;
  readonly nodeLostMs: number;
  /** How long a Pod may be missing after its Job was released before the Job's Events are read. */
  readonly eventsAfterMs: number;
  readonly eventsEveryMs: number;
  /** `terminated` comes about 1 s before the phase: how long the phase is waited for. */
  readonly phaseWaitMs: number;
  /** After the container's end a follow ends by itself within a second; one that is silent for this long is cut. */
  readonly followEndMs: number;
  readonly drainPauseMs: number;
  /** How long a log that the API answers but the kubelet does not is tried for after the end. */
  readonly drainLimitMs: number;
  /** Beyond the grace period: how long a lowered deadline has to work before the Pod is deleted. */
  readonly stopSlackMs: number;
  readonly orphanAgeMs: number;
  readonly orphanSweepMs: number;
  /** How long a Job cannot be created before the run fails. */
  readonly startMs: number;
  /** A tail that stands still for this long without the place that is looked for is given up for the whole file. */
  readonly searchMs: number;
  /** A Job whose Pod is gone gets a condition within seconds; after this it is not waited for. */
  readonly verdictMs: number;
  /** One exec for lost frames may take this long. */
  readonly replayMs: number;
  /** How long a start goes on after the host began to shut down. */
  readonly shutdownMs: number;
  /** A consumer that takes longer than this for one piece of a plain log may have made the node skip some. */
  readonly stallMs: number;
  /** The node looks at the size of a log every 10 s: what began earlier than this may have been rotated away. */
  readonly unrotatedMs: number;
}

export const defaultTimings: Timings = {
  callMs: 15_000,
  streamHeaderMs: 15_000,
  watchIdleMs: 90_000,
  plainLogIdleMs: 300_000,
  framedLogIdleMs: 45_000,
  watchTimeoutMinSeconds: 240,
  watchTimeoutMaxSeconds: 295,
  backoffMinMs: 250,
  backoffMaxMs: 15_000,
  tickMs: 1000,
  newsMs: 60_000,
  aliveMs: 30_000,
  unschedulableMs: 600_000,
  imagePullMs: 120_000,
  imageInvalidMs: 2000,
  containerConfigMs: 30_000,
  volumeMs: 300_000,
  podCreateMs: 30_000,
  quotaMs: 600_000,
  nodeLostMs: 600_000,
  eventsAfterMs: 3000,
  eventsEveryMs: 5000,
  phaseWaitMs: 4000,
  followEndMs: 2500,
  drainPauseMs: 200,
  drainLimitMs: 300_000,
  stopSlackMs: 15_000,
  orphanAgeMs: 600_000,
  orphanSweepMs: 300_000,
  startMs: 600_000,
  searchMs: 3000,
  verdictMs: 30_000,
  replayMs: 30_000,
  shutdownMs: 1500,
  stallMs: 5000,
  unrotatedMs: 8000,
};
