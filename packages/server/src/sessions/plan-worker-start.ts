/** Deaths of workers that followed one another without a completed prompt between them. */
export interface CrashHistory {
  readonly count: number;
  readonly lastAt: Date | null;
}

export type WorkerStartPlan =
  | { readonly start: true; readonly delayMs: number }
  | { readonly start: false; readonly retryAfterMs: number };

export interface CrashLoopLimits {
  readonly firstDelayMs: number;
  readonly maximumDelayMs: number;
  /** After so many deaths in a row the session stays `crashed` until somebody restarts it. */
  readonly maximumDeaths: number;
}

/** Whether a worker may be started now, and how long to wait before. 1 s doubling to 30 s; not at all after five deaths. */
export function planWorkerStart(history: CrashHistory, now: Date, limits: CrashLoopLimits): WorkerStartPlan {
  if (history.count === 0 || history.lastAt === null) return { start: true, delayMs: 0 };
  // The first death is often an accident, and somebody waits for the answer: start at once.
  if (history.count === 1) return { start: true, delayMs: 0 };
  const delayMs = Math.min(limits.firstDelayMs * 2 ** (history.count - 2), limits.maximumDelayMs);
  const waitedMs = now.getTime() - history.lastAt.getTime();
  if (history.count >= limits.maximumDeaths) return { start: false, retryAfterMs: Math.max(0, limits.maximumDelayMs - waitedMs) };
  return { start: true, delayMs: Math.max(0, delayMs - waitedMs) };
}
