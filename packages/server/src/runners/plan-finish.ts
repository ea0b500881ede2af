/** A finish as it meets the job. */
export interface FinishFacts {
  readonly logBytes: number;
  readonly chain: string;
  readonly storedEnd: number;
  readonly storedChain: string;
}

export type FinishPlan =
  | { readonly kind: 'settle'; readonly isLogEqual: boolean }
  /** Not all of the log is here: the result waits for it. */
  | { readonly kind: 'resend'; readonly from: number };

/**
 * Whether a result may be taken now. A log that differs although it is long enough cannot be mended (what is stored is
 * stored): the result is taken and the difference is told, rather than a finished run kept open for ever.
 */
export function planFinish(facts: FinishFacts): FinishPlan {
  if (facts.logBytes > facts.storedEnd) return { kind: 'resend', from: facts.storedEnd };
  return { kind: 'settle', isLogEqual: facts.logBytes === facts.storedEnd && facts.chain === facts.storedChain };
}
