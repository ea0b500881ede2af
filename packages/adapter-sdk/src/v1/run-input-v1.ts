import type { Json } from './json.js';

/** The issue that a run works on; absent when it was started without one. */
export interface RunIssueV1 {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
  readonly status: string;
}

/** What the run is asked to do. Supplied by the host, the same for every attempt of a run. */
export interface RunInputV1 {
  /** The text for the agent; null when whoever woke it gave none. */
  readonly prompt: string | null;
  /** Why the agent was woken, in words; null when no reason was given. */
  readonly reason: string | null;
  /** `timer`, `assignment`, `on_demand` or `automation`. */
  readonly source: string;
  /** Free JSON of the wakeup request; null when absent. */
  readonly payload: Json;
  readonly issue: RunIssueV1 | null;
  /** Groups runs that continue one conversation: `previousSession` is what the last run of this key returned. */
  readonly taskKey: string | null;
}
