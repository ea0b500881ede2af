import { type RunId, SupervisorError } from '../model/index.js';
import type { Explanation } from '../supervisor.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { planExplanation } from './plan-explanation.js';

/** Events read for an answer; the telling ones of a run are few. */
const mostEvents = 500;

/** Gathers the facts and says why a run waits, runs, was retried, lost or ended. */
export async function explainRun(
  dependencies: SupervisorDependencies,
  id: RunId,
  here: { readonly isFollowed: boolean; readonly running: number },
): Promise<readonly Explanation[]> {
  const { adapters, clock, settings, store } = dependencies;
  const run = await store.getRun(id);
  if (!run) throw new SupervisorError('run_not_found', `There is no run ${id}.`);
  const facts = await store.transaction(async (tx) => ({
    wakeup: await tx.getWakeup(run.wakeupRequestId),
    agent: await tx.getAgent(run.agentId),
    issue: run.issueId === null ? null : await tx.getIssue(run.issueId),
    running: await tx.countRunningByAgent([run.agentId]),
  }));
  const events = await store.listRunEvents(id, { afterSeq: 0, limit: mostEvents });
  return planExplanation({
    ...facts,
    now: clock.now(),
    run,
    adapter: adapters.find(run.adapterType, run.contextSnapshot.placement),
    events,
    isFollowedHere: here.isFollowed,
    agentRunningCount: facts.running.get(run.agentId) ?? 0,
    instance: { running: here.running, limit: settings.maxConcurrentRuns },
  });
}
