import { abortReason } from '../contract/report-schemas.js';

/** A run may end its work for so long after an abort before the call is abandoned, in ms. Adapters' graces are far below. */
const STOP_LIMIT_MS = 10 * 60_000;
const SHUTDOWN_LIMIT_MS = 30_000;
const FENCED_LIMIT_MS = 10_000;

/** For `execute`, `reattach` and sessions: rule 4 of the contract says what each reason asks of the adapter. */
export function abandonRunAfterMs(reason: unknown): number {
  const parsed = abortReason.safeParse(reason);
  if (parsed.success && parsed.data.kind === 'fenced') return FENCED_LIMIT_MS;
  if (parsed.success && parsed.data.kind === 'host_shutdown') return SHUTDOWN_LIMIT_MS;
  return STOP_LIMIT_MS;
}

/** For questions whose signal bounds the whole answer (`probe`, `terminate`, `testEnvironment`). */
export function abandonQuestionAfterMs(): number {
  return 5_000;
}
