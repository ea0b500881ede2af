import { InternalError } from '@runbeat/adapter-sdk';
import { type RunId, type RunPatch, type RunStatus, runTransitions } from '../model/index.js';
import type { CompareAndSet, RunStoreTransaction } from '../ports/index.js';

/**
 * The only writer of a run's status: a compare-and-set on status and owner epoch. A move that the transition table does
 * not have is a bug of the caller and throws before anything is written.
 */
export async function moveRun(
  tx: RunStoreTransaction,
  guard: { readonly id: RunId; readonly from: RunStatus; readonly ownerEpoch: number },
  to: RunStatus,
  patch: RunPatch,
): Promise<CompareAndSet> {
  if (!(runTransitions[guard.from] as readonly RunStatus[]).includes(to)) {
    throw new InternalError(`Run ${guard.id} cannot go from ${guard.from} to ${to}.`);
  }
  return tx.moveRun({ id: guard.id, from: [guard.from], ownerEpoch: guard.ownerEpoch }, to, patch);
}
