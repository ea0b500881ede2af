import type { Json } from './json.js';

/** A failure in words and in codes. See `docs/errors.md` for the codes that the host knows. */
export interface RunFailureV1 {
  /** A code that the host knows (`exit_nonzero`, `start_failed` …) or one of the adapter's own, prefixed by its type. */
  readonly code: string;
  /** What happened and, where one is known, the remedy. No secret. */
  readonly message: string;
  /** Whether the same run may succeed if it is simply tried again later (rate limit, overloaded API). */
  readonly retryable: boolean;
  /** ISO time before which a retry is pointless; absent = no such time is known. */
  readonly retryNotBefore?: string;
  readonly exitCode?: number;
  /** Signal name such as `SIGKILL`. */
  readonly signal?: string;
  readonly detail?: Json;
}

/** Tokens used, as the provider counts them. Absent members are unknown, not zero. */
export interface RunUsageV1 {
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly cachedInputTokens?: number;
}

/** How a run ended. `detached` is no end: it answers `host_shutdown`, the work goes on, and it is never stored. */
export type RunOutcomeV1 =
  | { readonly status: 'succeeded' }
  | { readonly status: 'failed'; readonly error: RunFailureV1 }
  | { readonly status: 'cancelled'; readonly forced: boolean }
  | { readonly status: 'timed_out'; readonly limitMs: number; readonly forced: boolean }
  | { readonly status: 'detached' };

/** Outcome plus what the agent reported. Returned by `execute` and `reattach`, never thrown. */
export type RunResultV1 = RunOutcomeV1 & {
  /** Handed to the next run of the same task key as `previousSession`; null = forget it; absent = leave it as it is. */
  readonly session?: Json;
  readonly usage?: RunUsageV1;
  readonly provider?: string;
  readonly model?: string;
  /** US dollars. */
  readonly costUsd?: number;
  /** One or two sentences for a list. */
  readonly summary?: string;
  readonly resultJson?: Json;
};
