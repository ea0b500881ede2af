import { isTerminalRunStatus, type Run, type RunId, SupervisorError } from '../model/index.js';
import type { Actor } from '../supervisor.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork } from '../transaction/unit-of-work.js';
import { type SettleAnswer, settleRun } from './settle-run.js';
import { cancelledSettlement } from './settlement.js';

export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case 'agent':
      return `agent:${actor.agentId}`;
    case 'user':
      return `user:${actor.userId}`;
    case 'system':
      return 'system';
  }
}

/**
 * Writes down that a run is to be cancelled. A queued run is closed at once; for a running one the owner, which may be
 * another instance, acts on the mark.
 */
export async function requestCancel(
  dependencies: SupervisorDependencies,
  id: RunId,
  options: { readonly reason: string | null; readonly actor: Actor },
): Promise<{ readonly run: Run; readonly answer: SettleAnswer | null }> {
  const message = options.reason ?? `Cancelled by ${actorName(options.actor)}.`;
  // At most one repetition for each move that a run can make: queued → running → ended.
  for (;;) {
    const run = await dependencies.store.getRun(id);
    if (!run) throw new SupervisorError('run_not_found', `There is no run ${id}.`);
    if (isTerminalRunStatus(run.status)) return { run, answer: null };
    if (run.status === 'queued') {
      const answer = await settleRun(
        dependencies,
        run,
        cancelledSettlement(message, { detail: { by: actorName(options.actor) } }),
      );
      if (answer.outcome === 'moved') return { run: answer.run, answer };
      continue;
    }
    if (run.cancelRequestedAt) return { run, answer: null };
    const marked = await mark(dependencies, run, message, options.actor);
    if (marked) return { run: marked, answer: null };
  }
}

async function mark(dependencies: SupervisorDependencies, run: Run, message: string, actor: Actor): Promise<Run | null> {
  return inUnitOfWork(dependencies, async (unit) => {
    const patch = { cancelRequestedAt: unit.now, cancelReason: message, phase: 'stopping' } as const;
    if ((await unit.tx.patchRun({ id: run.id, status: 'running' }, patch)) === 'stale') return null;
    unit.runEvent(run, { type: 'cancel-requested', level: 'warn', message, data: { by: actorName(actor) } });
    unit.liveEvent(run.companyId, 'run-updated', {
      runId: run.id,
      agentId: run.agentId,
      issueId: run.issueId,
      status: 'running',
      phase: 'stopping',
    });
    return { ...run, ...patch };
  });
}
