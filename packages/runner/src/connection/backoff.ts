export interface BackoffFacts {
  /** Failed attempts in a row; 0 = the connection was good until now. */
  readonly step: number;
  /** What the server asked for; null = nothing. */
  readonly retryAfterMs: number | null;
  /** In [0, 1). */
  readonly random: number;
  readonly firstRetryMs: number;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
}

/** Full jitter: anything up to a ceiling that doubles, so that runners which lost one server do not return as one. */
export function planBackoff(facts: BackoffFacts): number {
  const ceilingMs =
    facts.step === 0 ? facts.firstRetryMs : Math.min(facts.backoffMaxMs, facts.backoffMinMs * 2 ** Math.min(facts.step - 1, 30));
  return Math.max(Math.floor(facts.random * ceilingMs), facts.retryAfterMs ?? 0);
}
