import { type Agent, errorCodeOf, errorMessageOf } from '../model/index.js';
import type { WakeupAnswer } from '../supervisor.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork } from '../transaction/unit-of-work.js';
import { admitWakeup } from './admit-wakeup.js';

const agentsPerTick = 200;
/** Share of the interval by which a wake may be early or late, so that a thousand agents do not wake in one second. */
const jitter = 0.1;

/**
 * One tick of the timers, in one instance at a time. An agent seen for the first time gets a random place in its interval;
 * one whose time has come is woken, or folded into its timer wake that is still queued. One agent's error stops no other.
 */
export async function wakeByTimer(dependencies: SupervisorDependencies): Promise<readonly WakeupAnswer[]> {
  const { clock, logger, metrics, store } = dependencies;
  const answers: WakeupAnswer[] = [];
  await store.withExclusiveLoop('timer-wakes', async () => {
    const due = await store.transaction((tx) => tx.listAgentsDueForTimer(clock.now(), agentsPerTick));
    for (const agent of due) {
      try {
        const answer = await wakeOne(dependencies, agent);
        if (answer) answers.push(answer);
      } catch (error) {
        metrics.count('timer_wake_errors_total');
        logger.error(
          { agentId: agent.id, code: errorCodeOf(error), error: errorMessageOf(error) },
          'timer wake failed; the next agent follows',
        );
      }
    }
  });
  return answers;
}

async function wakeOne(dependencies: SupervisorDependencies, due: Agent): Promise<WakeupAnswer | null> {
  const random = dependencies.random ?? Math.random;
  return inUnitOfWork(dependencies, async (unit) => {
    const agent = await unit.tx.lockAgent(due.id);
    if (agent?.status !== 'active' || !agent.runtimeConfig.heartbeat.enabled) return null;
    const state = await unit.tx.getAgentRuntimeState(agent.id);
    const isFirst = !state?.nextTimerWakeAt;
    if (state?.nextTimerWakeAt && state.nextTimerWakeAt > unit.now) return null;
    const intervalMs = agent.runtimeConfig.heartbeat.intervalSec * 1000;
    const delayMs = isFirst ? intervalMs * random() : intervalMs * (1 + (random() * 2 - 1) * jitter);
    await unit.tx.updateAgentRuntimeState(agent, { set: { nextTimerWakeAt: new Date(unit.now.getTime() + delayMs) } });
    if (isFirst) return null;
    return admitWakeup(unit, {
      companyId: agent.companyId,
      agentId: agent.id,
      source: 'timer',
      reason: "the agent's heartbeat interval passed",
      requestedBy: 'system',
    });
  });
}
