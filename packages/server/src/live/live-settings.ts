/** Limits of live delivery. Defaults are those of the design; tests make them small. */
export interface LiveSettings {
  readonly pingIntervalMs: number;
  /** A client that misses so many pings is dropped. */
  readonly missedPingLimit: number;
  /** Events and records are gathered this long into one frame. */
  readonly gatherMs: number;
  /** Queue per connection; beyond it the reader is switched to reading from the store. */
  readonly queueLimitBytes: number;
  /** Handed to the socket at once; the rest waits in the queue, so that progress is seen in steps of this size. */
  readonly inFlightLimitBytes: number;
  /** Without progress for this long while something waits, the connection is closed with 1013. */
  readonly stuckLimitMs: number;
  /** While a run is followed: how often the store is asked for records that another instance wrote. */
  readonly storePollMs: number;
  /** Text in one frame of a log, and in one page read from the store for it. */
  readonly logFrameBytes: number;
  readonly eventsPerFrame: number;
  /** Pages read from the stores at once, over all connections, so that a thousand reconnects do not starve the rest. */
  readonly concurrentStoreReads: number;
  readonly subscriptionsPerConnection: number;
  readonly connectionLimit: number;
}

export const defaultLiveSettings: LiveSettings = {
  pingIntervalMs: 15_000,
  missedPingLimit: 2,
  gatherMs: 30,
  queueLimitBytes: 1_048_576,
  inFlightLimitBytes: 65_536,
  stuckLimitMs: 30_000,
  storePollMs: 1_000,
  logFrameBytes: 65_536,
  eventsPerFrame: 100,
  concurrentStoreReads: 8,
  subscriptionsPerConnection: 100,
  connectionLimit: 10_000,
};
