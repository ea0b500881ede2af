import type { Run, WakeupRequest } from '../model/index.js';
import type { UnitOfWork } from '../transaction/unit-of-work.js';

/** Wakes kept word for word in a run's context; of the rest only the number is kept, so that a flood cannot grow the row. */
const keptWakeups = 50;

/**
 * Folds a wake into a queued run: its context is merged, the run's own wake counts it, the more urgent priority wins.
 * `stale` when the run was claimed in between; the caller queues or defers instead.
 */
export async function foldWakeup(unit: UnitOfWork, wakeup: WakeupRequest, run: Run): Promise<'moved' | 'stale'> {
  const { coalesced } = run.contextSnapshot;
  const entry = { wakeupRequestId: wakeup.id, reason: wakeup.reason, prompt: wakeup.prompt, payload: wakeup.payload };
  const patched = await unit.tx.patchRun(
    { id: run.id, status: 'queued' },
    {
      contextSnapshot: { ...run.contextSnapshot, coalesced: [...coalesced, entry].slice(-keptWakeups) },
      priority: Math.max(run.priority, wakeup.priority),
    },
  );
  if (patched === 'stale') return 'stale';
  const first = await unit.tx.getWakeup(run.wakeupRequestId);
  if (first) {
    await unit.tx.moveWakeup({ id: first.id, from: [first.status] }, { coalescedCount: first.coalescedCount + 1 }, unit.now);
  }
  unit.runEvent(run, {
    type: 'wakeup-coalesced',
    level: 'info',
    message:
      wakeup.reason === null
        ? 'Another wake was folded into this run.'
        : `Another wake was folded into this run: ${wakeup.reason}`,
    data: { wakeupRequestId: wakeup.id, source: wakeup.source },
  });
  return 'moved';
}
