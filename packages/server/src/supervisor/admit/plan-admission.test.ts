import { describe, expect, it } from 'vitest';
import { type AgentRuntimeConfig, agentStatuses, createRandomId, issueStatuses, type Run, type RunId } from '../model/index.js';
import { type AdmissionFacts, planAdmission } from './plan-admission.js';

const heartbeat: AgentRuntimeConfig['heartbeat'] = { enabled: true, intervalSec: 60, wakeOnDemand: true, maxConcurrentRuns: 1 };
const agent = (
  change: Partial<AdmissionFacts['agent']> & { readonly heartbeat?: Partial<typeof heartbeat> } = {},
): AdmissionFacts['agent'] => ({
  name: 'Ada',
  status: 'active',
  statusReason: null,
  ...change,
  runtimeConfig: {
    limits: { timeoutMs: null, idleTimeoutMs: null },
    placement: null,
    heartbeat: { ...heartbeat, ...change.heartbeat },
  },
});
const queuedRun = { id: createRandomId<RunId>() } as Run;
const lockHolder = { runId: createRandomId<RunId>(), status: 'running' } as const;
const plan = (change: Partial<AdmissionFacts>): ReturnType<typeof planAdmission> =>
  planAdmission({
    source: 'on_demand',
    agent: agent(),
    issue: null,
    lockHolder: null,
    queuedRun: null,
    isDistinct: false,
    ...change,
  });

describe('planAdmission', () => {
  it('queues what nothing stands against', () => {
    expect(plan({})).toEqual({ kind: 'queue' });
    expect(plan({ issue: { status: 'todo' } })).toEqual({ kind: 'queue' });
  });

  it.each(agentStatuses)('takes wakes of an agent in status %s only when it is active', (status) => {
    expect(plan({ agent: agent({ status }) }).kind).toBe(status === 'active' ? 'queue' : 'skip');
  });

  it.each(issueStatuses)('takes wakes for an issue in status %s unless it is over', (status) => {
    expect(plan({ issue: { status } }).kind).toBe(status === 'done' || status === 'cancelled' ? 'skip' : 'queue');
  });

  it("obeys the agent's switches for timer wakes and all others", () => {
    expect(plan({ agent: agent({ heartbeat: { wakeOnDemand: false } }) }).kind).toBe('skip');
    expect(plan({ agent: agent({ heartbeat: { wakeOnDemand: false } }), source: 'timer' }).kind).toBe('queue');
    expect(plan({ agent: agent({ heartbeat: { enabled: false } }), source: 'timer' }).kind).toBe('skip');
  });

  it('folds into a queued run before it looks at the lock', () => {
    expect(plan({ queuedRun, lockHolder: { ...lockHolder, status: 'queued' } })).toMatchObject({
      kind: 'coalesce',
      into: queuedRun,
    });
  });

  it('defers while another run holds the issue', () => {
    expect(plan({ lockHolder, issue: { status: 'in_progress' } })).toMatchObject({
      kind: 'defer',
      reason: expect.stringContaining(lockHolder.runId),
    });
  });

  it('neither folds nor defers a wake with a config of its own', () => {
    expect(plan({ queuedRun, isDistinct: true }).kind).toBe('queue');
    expect(plan({ queuedRun, lockHolder, isDistinct: true }).kind).toBe('skip');
  });
});
