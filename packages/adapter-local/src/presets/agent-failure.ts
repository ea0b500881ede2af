import type { OutputReport } from '../run/process-spec.js';

const transient =
  /rate.?limit|usage limit|quota|overloaded|too many requests|\b(429|500|502|503|529)\b|resource.?exhausted|temporarily unavailable/i;
/** Some CLIs end the message with the time of the reset: `…limit reached|1767225600`. */
const resetTime = /\|(\d{10})\b/;

/** A failure that the agent reported in words. Limits and overload pass by themselves: those are worth another try. */
export function agentFailure(message: string): NonNullable<OutputReport['failure']> {
  const isTransient = transient.test(message);
  const reset = resetTime.exec(message)?.[1];
  return {
    code: isTransient ? 'local.rate_limited' : 'local.agent_failed',
    message: message.trim().slice(0, 2_000),
    retryable: isTransient,
    ...(reset === undefined ? {} : { retryNotBefore: new Date(Number(reset) * 1_000).toISOString() }),
  };
}
