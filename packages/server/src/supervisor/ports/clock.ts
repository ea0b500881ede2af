/**
 * Time as the supervisor sees it. In production `now()` follows the database's clock (the offset is measured with every
 * lease renewal), so that instances on different machines agree; in tests it is steered by hand.
 */
export interface Clock {
  now(): Date;
  /** Milliseconds that never run backwards, for measuring spans. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels. Timers do not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): () => void;
}
