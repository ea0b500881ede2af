import type { RunnerClientHealth, RunnerJobReport } from '@runbeat/protocol';

/** A runner's connection to this server process: its one session and when it was last heard. Kept in memory only. */
export interface RunnerLink {
  readonly runnerId: string;
  readonly sessionId: string;
  readonly homeId: string;
  readonly instanceId: string;
  /** Rises with every change that the runner should hear of; the cursor of its polls. */
  version: number;
  /** As the last poll told. */
  freeSlots: number;
  /** Monotonic times. */
  lastPollAtMs: number | null;
  lastSeenAtMs: number;
  leaseUntilMs: number;
  client: RunnerClientHealth | null;
  jobs: readonly RunnerJobReport[];
  /** Ends the poll that is held, if one is. */
  wakePoll: (() => void) | null;
}

/** Tell the runner at once that there is something for it. */
export function notifyLink(link: RunnerLink): void {
  link.version += 1;
  link.wakePoll?.();
}
