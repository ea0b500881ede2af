import type { HostClock } from '../host-clock.js';

/** One ping a second. */
export const PING_INTERVAL_MS = 1_000;
/** So many pings in a row without an answer (10 s), and the worker counts as hung. */
export const UNANSWERED_LIMIT = 10;
/** A worker that owes an answer is looked at this often: one that allocates without end fills the memory in seconds. */
const SUSPECT_INTERVAL_MS = 100;

export interface HeartbeatOptions {
  readonly clock: HostClock;
  /** Memory outside the worker's heap that it may hold, in bytes. */
  readonly maxExternalBytes: number;
  /** How much this whole process may grow while the worker does not answer, in bytes. */
  readonly maxGrowthBytes: number;
  /** Resident memory of this process, in bytes. */
  residentBytes(): number;
  ping(sequence: number): void;
  /** Called once; the worker must be ended. */
  onLost(reason: string): void;
}

export interface Heartbeat {
  answered(sequence: number, externalBytes: number): void;
  stop(): void;
}

/**
 * Watches one worker. Unanswered pings are counted rather than time: after the whole process was stopped (SIGSTOP, a
 * laptop's sleep) one late timer fires, and the worker gets its turn like before.
 */
export function startHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { clock } = options;
  let sent = 0;
  let lastAnswered = 0;
  let residentAtAnswer = options.residentBytes();
  let cancelPing = (): void => {};
  let cancelSuspect = (): void => {};
  let isOver = false;

  const stop = (): void => {
    isOver = true;
    cancelPing();
    cancelSuspect();
  };
  const lose = (reason: string): void => {
    stop();
    options.onLost(reason);
  };
  const watchSuspect = (): void => {
    if (isOver || lastAnswered === sent) return;
    const growth = options.residentBytes() - residentAtAnswer;
    if (growth > options.maxGrowthBytes) {
      lose(`did not answer while the process grew by ${megabytes(growth)} MB (limit ${megabytes(options.maxGrowthBytes)} MB)`);
      return;
    }
    cancelSuspect = clock.setTimer(SUSPECT_INTERVAL_MS, watchSuspect);
  };
  const beat = (): void => {
    if (isOver) return;
    if (sent - lastAnswered >= UNANSWERED_LIMIT) {
      lose(`did not answer for ${(UNANSWERED_LIMIT * PING_INTERVAL_MS) / 1000} s: its event loop is blocked`);
      return;
    }
    sent += 1;
    options.ping(sent);
    cancelSuspect();
    cancelSuspect = clock.setTimer(SUSPECT_INTERVAL_MS, watchSuspect);
    cancelPing = clock.setTimer(PING_INTERVAL_MS, beat);
  };
  beat();

  return {
    answered(sequence, externalBytes) {
      if (isOver) return;
      lastAnswered = Math.max(lastAnswered, sequence);
      residentAtAnswer = options.residentBytes();
      if (externalBytes <= options.maxExternalBytes) return;
      lose(`holds ${megabytes(externalBytes)} MB of buffers (limit ${megabytes(options.maxExternalBytes)} MB)`);
    },
    stop,
  };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
