import { InternalError } from '@runbeat/adapter-sdk';
import { SupervisorError, type WakeupRequest } from '../model/index.js';
import type { WakeupAnswer, WakeupInput } from '../supervisor.js';
import type { UnitOfWork } from '../transaction/unit-of-work.js';

/** The answer to a wake whose idempotency key was used before: the first one's, with its run as it is now. */
export async function answerFromStored(unit: UnitOfWork, known: WakeupRequest, input: WakeupInput): Promise<WakeupAnswer> {
  if (known.agentId !== input.agentId) {
    throw new SupervisorError(
      'idempotency_conflict',
      `The idempotency key ${known.idempotencyKey} was used for agent ${known.agentId}; use another key for another wake.`,
    );
  }
  const reason = known.statusReason;
  if (known.runId === null) {
    const outcome = known.status === 'deferred' ? 'deferred' : 'skipped';
    return { outcome, reason: reason ?? known.status, wakeupRequest: known, run: null };
  }
  const run = await unit.tx.getRun(known.runId);
  if (!run) throw new InternalError(`Wakeup request ${known.id} names run ${known.runId}, which does not exist.`);
  return { outcome: known.status === 'coalesced' ? 'coalesced' : 'queued', reason, wakeupRequest: known, run };
}
