import type { RunResultV1 } from './run-result-v1.js';

/**
 * A probe's answer. "Could not find out" (time-out, missing permission, API away) is `unknown`, never `gone`.
 * - `ended`: the work is over and this is its true result.
 * - `gone`: it is not there, and nothing tells how it ended. The host asks twice before it believes that.
 */
export type LivenessV1 =
  | { readonly state: 'alive' }
  | { readonly state: 'ended'; readonly result: RunResultV1 }
  | { readonly state: 'gone' }
  | { readonly state: 'unknown'; readonly retryAfterMs: number; readonly message: string };
