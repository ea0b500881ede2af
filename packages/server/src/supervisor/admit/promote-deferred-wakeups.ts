import { type Issue, type Run, type RunId, runFromNew, type WakeupRequest } from '../model/index.js';
import { runLiveData } from '../settle/run-live-event.js';
import type { UnitOfWork } from '../transaction/unit-of-work.js';
import { foldWakeup } from './fold-wakeup.js';
import { runFromWakeup } from './new-work.js';
import { reasonToSkip } from './plan-admission.js';

/**
 * The issue's lock is free: the oldest deferred wake that still makes sense becomes a queued run and takes the lock;
 * younger ones of the same agent are folded into it, those of other agents go on waiting. The caller holds the issue's lock.
 */
export async function promoteDeferredWakeups(unit: UnitOfWork, issue: Issue): Promise<readonly RunId[]> {
  let run: Run | null = null;
  for (const wakeup of await unit.tx.listDeferredWakeups(issue.id)) {
    if (!run) run = await promote(unit, wakeup, issue);
    else if (wakeup.agentId === run.agentId) run = await foldInto(unit, wakeup, run);
  }
  return run ? [run.id] : [];
}

async function promote(unit: UnitOfWork, wakeup: WakeupRequest, issue: Issue): Promise<Run | null> {
  const agent = await unit.tx.getAgent(wakeup.agentId);
  const skipped = agent ? reasonToSkip({ agent, issue, source: wakeup.source }) : 'the agent does not exist any more';
  if (!agent || skipped !== null) {
    await unit.tx.moveWakeup({ id: wakeup.id, from: ['deferred'] }, { status: 'skipped', statusReason: skipped }, unit.now);
    return null;
  }
  const newRun = runFromWakeup(wakeup, agent, {}, unit.now);
  await unit.tx.insertRun(newRun);
  await unit.tx.moveWakeup({ id: wakeup.id, from: ['deferred'] }, { status: 'queued', runId: newRun.id }, unit.now);
  await unit.tx.patchIssue(issue.id, { executionRunId: newRun.id }, unit.now);
  unit.runEvent(newRun, {
    type: 'wakeup-promoted',
    level: 'info',
    message: 'The issue became free; the wake that waited for it was queued.',
    data: { wakeupRequestId: wakeup.id, deferredAt: wakeup.createdAt.toISOString() },
  });
  const run = runFromNew(newRun);
  unit.liveEvent(run.companyId, 'run-queued', runLiveData(run));
  return run;
}

async function foldInto(unit: UnitOfWork, wakeup: WakeupRequest, run: Run): Promise<Run> {
  if ((await foldWakeup(unit, wakeup, run)) === 'stale') return run;
  await unit.tx.moveWakeup(
    { id: wakeup.id, from: ['deferred'] },
    { status: 'coalesced', statusReason: `run ${run.id} is queued for the same work`, runId: run.id },
    unit.now,
  );
  return (await unit.tx.getRun(run.id)) ?? run;
}
