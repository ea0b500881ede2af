import { isTerminalRunStatus, type RunId, SupervisorError } from '../model/index.js';
import { actorName } from '../settle/request-cancel.js';
import type { Actor, WakeupAnswer } from '../supervisor.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork } from '../transaction/unit-of-work.js';
import { admitWakeup } from './admit-wakeup.js';

/** Somebody asks for a finished run to be tried again: a new wake with the same agent, issue and input. */
export async function retryFinishedRun(dependencies: SupervisorDependencies, id: RunId, actor: Actor): Promise<WakeupAnswer> {
  return inUnitOfWork(dependencies, async (unit) => {
    const run = await unit.tx.getRun(id);
    if (!run) throw new SupervisorError('run_not_found', `There is no run ${id}.`);
    if (!isTerminalRunStatus(run.status)) {
      throw new SupervisorError(
        'run_not_finished',
        `Run ${id} is ${run.status}; cancel it or wait for its end before you retry it.`,
      );
    }
    const { prompt, reason, payload, placement, adapterConfigOverride } = run.contextSnapshot;
    return admitWakeup(unit, {
      companyId: run.companyId,
      agentId: run.agentId,
      // A person asks now, whatever woke the first one.
      source: 'on_demand',
      reason: reason ?? `retry of run ${id}`,
      prompt,
      payload,
      issueId: run.issueId,
      taskKey: run.taskKey,
      priority: run.priority,
      placement,
      timeoutMs: run.timeoutMs,
      adapterConfigOverride,
      requestedBy: actorName(actor),
      retryReason: 'manual',
      retryOfRunId: id,
    });
  });
}
