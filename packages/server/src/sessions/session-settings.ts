/** Limits of sessions, in milliseconds unless named otherwise. */
export interface SessionSettings {
  /** How long an agent may take to react to a cancel before its process is ended. */
  readonly cancelTimeoutMs: number;
  /** Between closing stdin and KILL when a worker is stopped. */
  readonly stopGraceMs: number;
  /** How long the answer to a message waits for the first sign of the agent; then it says `written`. */
  readonly acknowledgeTimeoutMs: number;
  readonly crashLoop: { readonly firstDelayMs: number; readonly maximumDelayMs: number; readonly maximumDeaths: number };
  readonly storeRetryDelayMs: { readonly first: number; readonly maximum: number };
  /** Output that is not stored yet; beyond it the worker's reader waits. */
  readonly pendingLimitBytes: number;
  /** Entries kept in memory for followers, so that they need not read the database. */
  readonly recentEntries: number;
  /** How often sessions without a living owner are looked for. */
  readonly adoptIntervalMs: number;
}

export const defaultSessionSettings: SessionSettings = {
  cancelTimeoutMs: 30_000,
  stopGraceMs: 5_000,
  acknowledgeTimeoutMs: 10_000,
  crashLoop: { firstDelayMs: 1_000, maximumDelayMs: 30_000, maximumDeaths: 5 },
  storeRetryDelayMs: { first: 250, maximum: 5_000 },
  pendingLimitBytes: 1_048_576,
  recentEntries: 256,
  adoptIntervalMs: 10_000,
};
