import type { Clock } from '../supervisor/ports/index.js';

/** A clock that follows the database's, so that instances on different machines agree on leases and ages. */
export interface DatabaseClock extends Clock {
  /** Measures the offset anew. Called at start and with every lease renewal. Rejects when the database cannot be asked. */
  synchronise(databaseNow: () => Promise<Date>): Promise<void>;
}

/** A round trip longer than this says too little about the offset; the last measurement is kept. */
const usefulRoundTripMs = 1_000;

export function createDatabaseClock(): DatabaseClock {
  /** Database time minus the time of this machine; written by `synchronise`. */
  let offsetMs = 0;
  return {
    now: () => new Date(Date.now() + offsetMs),
    monotonicMs: () => performance.now(),
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, Math.max(0, delayMs));
      timer.unref();
      return () => clearTimeout(timer);
    },
    async synchronise(databaseNow) {
      const sentAt = Date.now();
      const theirs = await databaseNow();
      const roundTripMs = Date.now() - sentAt;
      if (roundTripMs <= usefulRoundTripMs) offsetMs = theirs.getTime() - (sentAt + roundTripMs / 2);
    },
  };
}
