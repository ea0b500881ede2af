import { InternalError } from '@runbeat/adapter-sdk';
import { wait } from '../loops/wait.js';
import type { Run } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { carryOut } from './carry-out-plan.js';
import { adapterFact, gatherEvidence } from './gather-facts.js';
import { planRecovery } from './plan-recovery.js';
import type { EvidenceFact, RecoveryFacts } from './recovery-facts.js';
import type { RecoveryHost, RecoveryOutcome } from './recovery-host.js';

/** Looks at one suspect and does what `planRecovery` says. Called by the sweep and when an execution let go of its run. */
export async function recoverRun(dependencies: SupervisorDependencies, host: RecoveryHost, run: Run): Promise<RecoveryOutcome> {
  if (host.inRecovery.has(run.id)) return 'kept';
  host.inRecovery.add(run.id);
  try {
    return await look(dependencies, host, withLatestSign(host, run));
  } finally {
    host.inRecovery.delete(run.id);
  }
}

/** The row may lag behind what an execution here knows, when its refresh could not be written. */
function withLatestSign(host: RecoveryHost, run: Run): Run {
  const aliveAt = host.activeRuns.get(run.id)?.lastAliveAt();
  return aliveAt && aliveAt > run.updatedAt ? { ...run, updatedAt: aliveAt } : run;
}

async function look(dependencies: SupervisorDependencies, host: RecoveryHost, run: Run): Promise<RecoveryOutcome> {
  const agent = await dependencies.store.getAgent(run.agentId);
  if (!agent) throw new InternalError(`Run ${run.id} belongs to agent ${run.agentId}, which does not exist.`);
  const lookup = dependencies.adapters.find(run.adapterType, run.contextSnapshot.placement, 'recover');
  const adapter = lookup.found ? lookup.adapter : null;
  const facts = (evidence: EvidenceFact): RecoveryFacts => ({
    now: dependencies.clock.now(),
    run,
    owner: ownerFact(host, run),
    adapter: adapterFact(lookup),
    evidence,
    isWarm: host.isWarm(),
    settings: dependencies.settings,
  });
  if (facts({ kind: 'none' }).owner === 'alive') return 'kept';

  let plan = planRecovery(facts(await gatherEvidence(dependencies, run, agent, adapter)));
  if (plan.kind === 'confirm_gone') {
    await wait(dependencies.clock, dependencies.settings.probeConfirmAfterMs);
    const again = await gatherEvidence(dependencies, run, agent, adapter);
    plan = planRecovery(facts(again.kind === 'probe' ? { ...again, isConfirmed: true } : again));
  }
  dependencies.metrics.count('recovery_verdicts_total', { verdict: plan.kind === 'lose' ? plan.code : plan.kind });
  return carryOut(dependencies, host, { run, agent, adapter }, plan);
}

function ownerFact(host: RecoveryHost, run: Run): RecoveryFacts['owner'] {
  if (host.activeRuns.get(run.id)) return 'following';
  // Ours and neither followed nor let go of: it was claimed a moment ago and is about to be followed.
  if (run.ownerInstanceId === host.lease.instanceId()) return host.unfollowed.has(run.id) ? 'unfollowed' : 'alive';
  return run.ownerInstanceId !== null && host.livingInstanceIds.has(run.ownerInstanceId) ? 'alive' : 'dead';
}
