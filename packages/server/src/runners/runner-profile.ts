import type { RunnerAdapter } from '@runbeat/protocol';

/** What a runner says about itself: at registration and anew with each session. */
export interface RunnerProfile {
  readonly name: string;
  readonly labels: readonly string[];
  readonly adapters: readonly RunnerAdapter[];
  /** Runs at once. */
  readonly slots: number;
  readonly version: string;
}
