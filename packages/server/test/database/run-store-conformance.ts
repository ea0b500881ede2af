import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Agent, CompanyId, InstanceId, NewRun, Run, RunId, RunPatch } from '../../src/supervisor/model/index.js';
import { createId, runFromNew } from '../../src/supervisor/model/index.js';
import type { LivenessRefresh, RunStore } from '../../src/supervisor/ports/index.js';
import { after, newAgent, newInstance, newIssue, newRun, newWakeup, now } from './run-store-fixtures.js';

export interface RunStoreUnderTest {
  readonly store: RunStore;
  /** A company with these agents; the port itself makes none. */
  createCompany(): Promise<CompanyId>;
  insertAgent(agent: Agent): Promise<void>;
  close(): Promise<void>;
}

/** What every run store must do. */
export function runStoreConformance(name: string, create: () => Promise<RunStoreUnderTest>): void {
  describe(`run store ${name}`, () => {
    let under: RunStoreUnderTest;
    let store: RunStore;
    let companyId: CompanyId;
    let agent: Agent;

    beforeEach(async () => {
      under = await create();
      store = under.store;
      companyId = await under.createCompany();
      agent = newAgent(companyId);
      await under.insertAgent(agent);
    });
    afterEach(async () => {
      await under.close();
    });

    async function insertRun(more: Partial<NewRun> = {}): Promise<NewRun> {
      const run = newRun(agent, more);
      await store.transaction((tx) => tx.insertRun(run));
      return run;
    }
    async function insertRunning(
      ownerInstanceId: InstanceId | null,
      patch: RunPatch = {},
      more: Partial<NewRun> = {},
    ): Promise<NewRun> {
      const run = await insertRun(more);
      const start: RunPatch = { phase: 'attached', ownerInstanceId, ownerEpoch: 1, attempt: 1, startedAt: now, updatedAt: now };
      expect(
        await store.transaction((tx) =>
          tx.moveRun({ id: run.id, from: ['queued'], ownerEpoch: 0 }, 'running', { ...start, ...patch }),
        ),
      ).toBe('moved');
      return run;
    }
    const ids = (runs: readonly Run[]): RunId[] => runs.map((run) => run.id);

    describe('transactions', () => {
      it('keep all of what was written, or nothing when the work rejects', async () => {
        const kept = newRun(agent);
        const lost = newRun(agent);
        await store.transaction((tx) => tx.insertRun(kept));
        await expect(
          store.transaction(async (tx) => {
            await tx.insertRun(lost);
            expect(await tx.getRun(lost.id)).toEqual(runFromNew(lost));
            throw new RangeError('changed my mind');
          }),
        ).rejects.toThrow('changed my mind');
        expect(await store.getRun(kept.id)).toEqual(runFromNew(kept));
        expect(await store.getRun(lost.id)).toBeNull();
      });

      it('keep one answer under a key with what it tells of, also when two of them come at once', async () => {
        const answer = { scope: 'operator POST /x', key: 'k', requestHash: 'h', status: 201, body: { id: 1 } };
        const runs = [newRun(agent), newRun(agent), newRun(agent)];
        const outcomes = await Promise.allSettled(
          runs.map((run) =>
            store.transaction(async (tx) => {
              await tx.insertRun(run);
              await tx.keepAnswer(answer, now);
            }),
          ),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const [index, run] of runs.entries()) {
          const outcome = outcomes[index];
          const isKept = outcome?.status === 'fulfilled';
          if (!isKept) expect(outcome?.reason).toMatchObject({ code: 'idempotency_in_progress' });
          expect((await store.getRun(run.id)) !== null).toBe(isKept);
        }
        await store.transaction((tx) => tx.keepAnswer({ ...answer, scope: 'somebody else' }, now));
      });

      it('answer with what the work returned', async () => {
        expect(await store.transaction(async (tx) => (await tx.getAgent(agent.id))?.name)).toBe('Ada');
      });
    });

    describe('runs', () => {
      it('move by compare-and-set on status and epoch', async () => {
        const run = await insertRun();
        const move = (from: Run['status'][], ownerEpoch: number, to: Run['status']) =>
          store.transaction((tx) => tx.moveRun({ id: run.id, from, ownerEpoch }, to, { ownerEpoch: ownerEpoch + 1 }));
        expect(await move(['running'], 0, 'failed')).toBe('stale');
        expect(await move(['queued'], 7, 'running')).toBe('stale');
        expect(await move(['queued'], 0, 'running')).toBe('moved');
        expect(await move(['queued'], 0, 'running')).toBe('stale');
        expect(await move(['queued', 'running'], 1, 'succeeded')).toBe('moved');
        expect(await store.getRun(run.id)).toMatchObject({ status: 'succeeded', ownerEpoch: 2 });
        expect(await store.transaction((tx) => tx.moveRun({ id: createId<RunId>(), from: ['queued'] }, 'failed', {}))).toBe(
          'stale',
        );
      });

      it('keep every member of a patch as it was given', async () => {
        const run = await insertRun();
        const patch = {
          phase: 'stopping',
          ownerInstanceId: createId<InstanceId>(),
          ownerEpoch: 3,
          attempt: 2,
          handle: { kind: 'process', pid: 1, processGroupId: null, startedAt: 's', host: 'h', bootId: 'b', startTicks: null },
          processPid: 12,
          processGroupId: 12,
          processStartedAt: after(1),
          startedAt: after(2),
          finishedAt: after(3),
          updatedAt: after(4),
          deadlineAt: after(5),
          timeoutMs: 86_400_000_000,
          idleTimeoutMs: 5,
          lastOutputAt: after(6),
          logBytes: 5_000_000_000,
          logCursor: 'c:"1"',
          cancelRequestedAt: after(7),
          cancelReason: 'enough',
          warning: { code: 'process_detached', message: 'm', at: now.toISOString() },
          unknownSince: after(8),
          nextProbeAt: after(9),
          instanceDeathCount: 1,
          exitCode: 3_221_225_786,
          signal: 'SIGKILL',
          errorCode: 'x',
          error: "it's\nbroken",
          usage: { inputTokens: 1, outputTokens: 2 },
          provider: 'p',
          model: 'm',
          costUsd: 0.125,
          summary: 's',
          resultJson: { deep: [{ x: null }] },
        } as const satisfies RunPatch;
        expect(await store.transaction((tx) => tx.patchRun({ id: run.id }, patch))).toBe('moved');
        expect(await store.getRun(run.id)).toEqual({ ...runFromNew(run), ...patch });
        const cleared = { handle: null, warning: null, resultJson: null, error: null, nextProbeAt: null };
        await store.transaction((tx) => tx.patchRun({ id: run.id, status: 'queued' }, cleared));
        expect(await store.getRun(run.id)).toEqual({ ...runFromNew(run), ...patch, ...cleared });
      });

      it('are not patched by an old epoch, nor when they no longer run', async () => {
        const run = await insertRunning(createId<InstanceId>());
        const patch = (ownerEpoch: number) =>
          store.transaction((tx) => tx.patchRun({ id: run.id, ownerEpoch }, { summary: 'x' }));
        expect(await patch(0)).toBe('stale');
        expect(await patch(1)).toBe('moved');
        await store.transaction((tx) => tx.moveRun({ id: run.id, from: ['running'], ownerEpoch: 1 }, 'failed', {}));
        expect(await patch(1)).toBe('stale');
        expect(await store.transaction((tx) => tx.patchRun({ id: run.id, status: 'queued' }, { summary: 'y' }))).toBe('stale');
        expect((await store.getRun(run.id))?.summary).toBe('x');
      });

      it('that are queued are found for folding: of the issue, or of the source without an issue', async () => {
        const issue = newIssue(companyId);
        await store.transaction((tx) => tx.insertIssue(issue));
        const ofIssue = await insertRun({ issueId: issue.id });
        const ofTimer = await insertRun({ invocationSource: 'timer' });
        const find = (query: { issueId: typeof issue.id | null; source?: Run['invocationSource'] }) =>
          store.transaction(async (tx) => (await tx.findQueuedRun({ agentId: agent.id, ...query }))?.id ?? null);
        expect(await find({ issueId: issue.id })).toBe(ofIssue.id);
        expect(await find({ issueId: null, source: 'timer' })).toBe(ofTimer.id);
        expect(await find({ issueId: null, source: 'automation' })).toBeNull();
        await store.transaction((tx) => tx.moveRun({ id: ofIssue.id, from: ['queued'] }, 'running', {}));
        expect(await find({ issueId: issue.id })).toBeNull();
      });

      it('of an issue: the last one is the one that was made last', async () => {
        const issue = newIssue(companyId);
        await store.transaction((tx) => tx.insertIssue(issue));
        await insertRun({ issueId: issue.id, createdAt: now });
        const last = await insertRun({ issueId: issue.id, createdAt: now });
        expect((await store.transaction((tx) => tx.getLastRunOfIssue(issue.id)))?.id).toBe(last.id);
      });
    });

    describe('claiming', () => {
      const query = { now: after(1_000), limit: 10, ageingMs: 60_000, excludeAgentIds: [], excludeAdapterTypes: [] };
      const select = (more: object = {}) => store.transaction(async (tx) => ids(await tx.selectClaimable({ ...query, ...more })));

      it('takes the highest priority first, then the oldest, and lets waiting outweigh priority', async () => {
        const old = await insertRun({ createdAt: after(-150_000) });
        const plain = await insertRun();
        const second = await insertRun();
        const urgent = await insertRun({ priority: 2 });
        expect(await select()).toEqual([old.id, urgent.id, plain.id, second.id]);
        expect(await select({ ageingMs: 3_600_000 })).toEqual([urgent.id, old.id, plain.id, second.id]);
        expect(await select({ limit: 2 })).toEqual([old.id, urgent.id]);
        await store.transaction((tx) => tx.patchRun({ id: second.id, status: 'queued' }, { priority: 5 }));
        expect(await select()).toEqual([second.id, old.id, urgent.id, plain.id]);
      });

      it('leaves out what is not due, not queued, or excluded', async () => {
        const other = newAgent(companyId, { name: 'Bob', adapterType: 'k8s' });
        await under.insertAgent(other);
        const due = await insertRun({ notBefore: after(1_000) });
        const notDue = await insertRun({ notBefore: after(1_001) });
        await insertRunning(null);
        const ofOther = newRun(other);
        await store.transaction((tx) => tx.insertRun(ofOther));
        expect(await select()).toEqual([due.id, ofOther.id]);
        expect(await select({ excludeAgentIds: [agent.id] })).toEqual([ofOther.id]);
        expect(await select({ excludeAdapterTypes: ['k8s', 'none'] })).toEqual([due.id]);
        expect(await store.nextNotBefore(after(1_000))).toEqual(notDue.notBefore);
        expect(await store.nextNotBefore(after(1_001))).toBeNull();
      });

      it('leaves out places that cannot take a run', async () => {
        const placed = (placement: NewRun['contextSnapshot']['placement']) =>
          insertRun({ contextSnapshot: { ...newRun(agent).contextSnapshot, placement } });
        const here = await placed(null);
        const byId = await placed({ runnerId: 'r1' });
        const byLabel = await placed({ runnerLabel: 'r1' });
        expect(await select()).toEqual([here.id, byId.id, byLabel.id]);
        expect(await select({ excludePlacements: [{ runnerId: 'r1' }] })).toEqual([here.id, byLabel.id]);
        expect(await select({ excludePlacements: [{ runnerLabel: 'r1' }, { runnerId: 'r1' }] })).toEqual([here.id]);
      });

      it('counts running runs per agent, also none', async () => {
        const idle = newAgent(companyId, { name: 'Idle' });
        await under.insertAgent(idle);
        await insertRunning(null);
        await insertRunning(null);
        await insertRun();
        const counts = await store.transaction((tx) => tx.countRunningByAgent([agent.id, idle.id]));
        expect([counts.get(agent.id), counts.get(idle.id) ?? 0]).toEqual([2, 0]);
        expect(await store.countRuns()).toEqual({ queued: 1, running: 2, oldestQueuedAt: now });
      });
    });

    describe('wakeups', () => {
      it('are found by their idempotency key, within their company', async () => {
        const wakeup = newWakeup(agent, { idempotencyKey: 'k', payload: { x: 1 }, requestedBy: 'user:1' });
        await store.transaction(async (tx) => {
          await tx.lockIdempotencyKey(companyId, 'k');
          expect(await tx.findWakeupByIdempotencyKey(companyId, 'k')).toBeNull();
          await tx.insertWakeup(wakeup);
        });
        const elsewhere = await under.createCompany();
        await store.transaction(async (tx) => {
          expect(await tx.findWakeupByIdempotencyKey(companyId, 'k')).toEqual(wakeup);
          expect(await tx.findWakeupByIdempotencyKey(elsewhere, 'k')).toBeNull();
        });
        expect(await store.getWakeup(wakeup.id)).toEqual(wakeup);
      });

      it('move by compare-and-set', async () => {
        const wakeup = newWakeup(agent);
        await store.transaction((tx) => tx.insertWakeup(wakeup));
        const move = () =>
          store.transaction((tx) =>
            tx.moveWakeup({ id: wakeup.id, from: ['queued'] }, { status: 'claimed', coalescedCount: 2 }, after(5)),
          );
        expect(await move()).toBe('moved');
        expect(await move()).toBe('stale');
        expect(await store.getWakeup(wakeup.id)).toEqual({
          ...wakeup,
          status: 'claimed',
          coalescedCount: 2,
          updatedAt: after(5),
        });
      });

      it('that are deferred come oldest first', async () => {
        const issue = newIssue(companyId);
        const deferred = [1, 2, 3].map((index) =>
          newWakeup(agent, { issueId: issue.id, status: 'deferred', reason: `${index}` }),
        );
        await store.transaction(async (tx) => {
          await tx.insertIssue(issue);
          for (const wakeup of deferred) await tx.insertWakeup(wakeup);
          await tx.insertWakeup(newWakeup(agent, { issueId: issue.id }));
        });
        expect((await store.transaction((tx) => tx.listDeferredWakeups(issue.id))).map((wakeup) => wakeup.reason)).toEqual([
          '1',
          '2',
          '3',
        ]);
      });
    });

    describe('agents', () => {
      it('have counters that add up and marks that are set', async () => {
        await store.transaction((tx) =>
          tx.updateAgentRuntimeState(agent, { set: { firstHeartbeatAt: now }, add: { totalRuns: 1 } }),
        );
        await store.transaction((tx) =>
          tx.updateAgentRuntimeState(agent, {
            set: { lastRunStatus: 'failed', lastErrorCode: 'x' },
            add: { totalRuns: 2, totalInputTokens: 3_000_000_000, totalCostUsd: 0.5 },
          }),
        );
        await store.transaction((tx) =>
          tx.updateAgentRuntimeState(agent, { set: { lastErrorCode: null }, add: { totalCostUsd: 0.25 } }),
        );
        expect(await store.transaction((tx) => tx.getAgentRuntimeState(agent.id))).toEqual({
          agentId: agent.id,
          companyId,
          firstHeartbeatAt: now,
          lastHeartbeatAt: null,
          nextTimerWakeAt: null,
          lastRunId: null,
          lastRunStatus: 'failed',
          lastErrorCode: null,
          totalRuns: 3,
          totalInputTokens: 3_000_000_000,
          totalOutputTokens: 0,
          totalCostUsd: 0.75,
        });
      });

      it('are due for their timer when they are active, want it, and their time has come', async () => {
        const timed = (name: string, more: Partial<Agent> = {}): Agent =>
          newAgent(companyId, {
            name,
            runtimeConfig: { ...agent.runtimeConfig, heartbeat: { ...agent.runtimeConfig.heartbeat, enabled: true } },
            ...more,
          });
        const [never, due, later, paused] = [
          timed('never'),
          timed('due'),
          timed('later'),
          timed('paused', { status: 'paused' }),
        ] as const;
        for (const one of [never, due, later, paused]) await under.insertAgent(one);
        await store.transaction(async (tx) => {
          await tx.updateAgentRuntimeState(due, { set: { nextTimerWakeAt: now } });
          await tx.updateAgentRuntimeState(later, { set: { nextTimerWakeAt: after(1) } });
        });
        const names = async (limit: number) =>
          (await store.transaction((tx) => tx.listAgentsDueForTimer(now, limit))).map((one) => one.name).sort();
        expect(await names(10)).toEqual(['due', 'never']);
        expect(await names(1)).toHaveLength(1);
      });

      it('are found by name in any case, within the company', async () => {
        const find = (names: string[]) =>
          store.transaction(async (tx) => (await tx.findAgentsByName(companyId, names)).map((one) => one.id));
        expect(await find(['ADA', 'nobody'])).toEqual([agent.id]);
        expect(await find([])).toEqual([]);
        const elsewhere = await under.createCompany();
        expect(await store.transaction((tx) => tx.findAgentsByName(elsewhere, ['Ada']))).toEqual([]);
      });

      it('keep one session per adapter type and task key', async () => {
        const key = { companyId, agentId: agent.id, adapterType: 'local', taskKey: 't', runId: createId<RunId>() };
        const get = (taskKey: string) => store.transaction((tx) => tx.getAgentSession(agent.id, 'local', taskKey));
        await store.transaction((tx) => tx.putAgentSession({ ...key, value: { id: 1 } }, now));
        await store.transaction((tx) => tx.putAgentSession({ ...key, value: { id: 2 } }, now));
        expect(await get('t')).toEqual({ id: 2 });
        expect(await get('u')).toBeNull();
        await store.transaction((tx) => tx.putAgentSession({ ...key, value: null }, now));
        expect(await get('t')).toBeNull();
      });

      it('change their status', async () => {
        await store.transaction((tx) => tx.patchAgent(agent.id, { status: 'error', statusReason: 'why' }, after(9)));
        expect(await store.getAgent(agent.id)).toEqual({ ...agent, status: 'error', statusReason: 'why', updatedAt: after(9) });
      });
    });

    describe('issues', () => {
      it('are patched member by member', async () => {
        const issue = newIssue(companyId, { assigneeAgentId: agent.id });
        const runId = createId<RunId>();
        await store.transaction((tx) => tx.insertIssue(issue));
        await store.transaction((tx) =>
          tx.patchIssue(issue.id, { executionRunId: runId, recoveryUsed: 'assignment_recovery' }, after(2)),
        );
        const patched = { ...issue, executionRunId: runId, recoveryUsed: 'assignment_recovery', updatedAt: after(2) };
        expect(await store.getIssue(issue.id)).toEqual(patched);
        expect(await store.transaction((tx) => tx.lockIssue(issue.id))).toEqual(patched);
      });

      it('have active work while a run is queued or running or a wake is deferred', async () => {
        const issue = newIssue(companyId);
        await store.transaction((tx) => tx.insertIssue(issue));
        const isActive = () => store.transaction((tx) => tx.hasActiveWork(issue.id));
        expect(await isActive()).toBe(false);
        const run = await insertRun({ issueId: issue.id });
        expect(await isActive()).toBe(true);
        await store.transaction((tx) => tx.moveRun({ id: run.id, from: ['queued'] }, 'running', {}));
        expect(await isActive()).toBe(true);
        await store.transaction((tx) => tx.moveRun({ id: run.id, from: ['running'] }, 'failed', {}));
        expect(await isActive()).toBe(false);
        await store.transaction((tx) => tx.insertWakeup(newWakeup(agent, { issueId: issue.id, status: 'deferred' })));
        expect(await isActive()).toBe(true);
      });

      it("are stranded when they are an agent's, open, without active work, and their last run did not succeed", async () => {
        const make = async (more: Parameters<typeof newIssue>[1], runs: Run['status'][]) => {
          const issue = newIssue(companyId, { assigneeAgentId: agent.id, ...more });
          await store.transaction((tx) => tx.insertIssue(issue));
          for (const status of runs) {
            const run = await insertRun({ issueId: issue.id });
            if (status !== 'queued') await store.transaction((tx) => tx.moveRun({ id: run.id, from: ['queued'] }, status, {}));
          }
          return issue.id;
        };
        const failed = await make({}, ['succeeded', 'failed']);
        const timedOut = await make({ status: 'in_progress' }, ['timed_out']);
        const cancelled = await make({}, ['cancelled']);
        await make({}, ['failed', 'succeeded']);
        await make({}, ['failed', 'queued']);
        await make({}, ['failed', 'running']);
        await make({}, []);
        await make({ status: 'blocked' }, ['failed']);
        await make({ assigneeAgentId: null, assigneeUserId: 'u' }, ['failed']);
        const stranded = await store.listStrandedIssues({ now, limit: 100 });
        expect(stranded.map((issue) => issue.id).sort()).toEqual([failed, timedOut, cancelled].sort());
        expect(await store.listStrandedIssues({ now, limit: 2 })).toHaveLength(2);
      });
    });

    describe('events of a run', () => {
      it('are numbered in order over several transactions', async () => {
        const run = await insertRun();
        const event = (type: string) => ({ type, level: 'info' as const, message: `m ${type}`, data: { t: type }, at: now });
        await store.transaction(async (tx) => {
          await tx.appendRunEvents(run, [event('a'), event('b')]);
          await tx.appendRunEvents(run, [event('c')]);
        });
        await store.transaction((tx) => tx.appendRunEvents(run, [event('d')]));
        const events = await store.listRunEvents(run.id, { afterSeq: 0, limit: 10 });
        expect(events.map((one) => [one.seq, one.type, one.message, one.data, one.at])).toEqual(
          ['a', 'b', 'c', 'd'].map((type, index) => [index + 1, type, `m ${type}`, { t: type }, now]),
        );
        expect((await store.listRunEvents(run.id, { afterSeq: 1, limit: 2 })).map((one) => one.seq)).toEqual([2, 3]);
      });

      it('are numbered run by run when those of several runs come at once, beside live events or without', async () => {
        const runs = [await insertRun(), await insertRun()];
        const event = (type: string) => ({ type, level: 'info' as const, message: 'm', data: null, at: now });
        const eventsOf = (types: readonly string[]) => runs.map((run) => ({ ...run, events: types.map(event) }));
        const { companyId } = runs[0] as (typeof runs)[number];
        await store.transaction((tx) =>
          tx.appendEvents({ runs: eventsOf(['a', 'b']), live: [{ companyId, type: 'x', data: null, at: now }] }),
        );
        await store.transaction((tx) => tx.appendEvents({ runs: eventsOf(['c']), live: [] }));
        await store.transaction((tx) => tx.appendEvents({ runs: [], live: [] }));
        for (const run of runs) {
          const events = await store.listRunEvents(run.id, { afterSeq: 0, limit: 10 });
          expect(events.map((one) => [one.seq, one.type])).toEqual([
            [1, 'a'],
            [2, 'b'],
            [3, 'c'],
          ]);
        }
      });
    });

    describe('liveness and recovery', () => {
      const sweep = { now: after(600_000), staleBefore: after(300_000), limit: 100 };

      it('refreshes in one batch and names those that are no longer ours', async () => {
        const mine = await insertRunning(createId<InstanceId>(), {
          warning: { code: 'process_detached', message: 'm', at: 'x' },
        });
        const foreign = await insertRunning(createId<InstanceId>(), { ownerEpoch: 2 });
        const ended = await insertRunning(createId<InstanceId>());
        await store.transaction((tx) => tx.moveRun({ id: ended.id, from: ['running'] }, 'succeeded', {}));
        const refresh = (runId: RunId): LivenessRefresh => ({
          runId,
          ownerEpoch: 1,
          updatedAt: after(70_000),
          lastOutputAt: after(60_000),
          logBytes: 77,
          logCursor: 'c',
          isWarningCleared: true,
        });
        const { refused } = await store.refreshLiveness([mine, foreign, ended].map((run) => refresh(run.id)));
        expect([...refused].sort()).toEqual([foreign.id, ended.id].sort());
        expect(await store.getRun(mine.id)).toMatchObject({
          updatedAt: after(70_000),
          lastOutputAt: after(60_000),
          logBytes: 77,
          logCursor: 'c',
          warning: null,
        });
        expect(await store.getRun(foreign.id)).toMatchObject({ updatedAt: now, logBytes: 0 });
        expect(await store.refreshLiveness([])).toEqual({ refused: [] });
      });

      it('suspects runs without a living owner, silent ones, and overdue orphans, oldest proof of life first', async () => {
        const [self, living, expired, ended] = [
          newInstance({ leaseExpiresAt: after(700_000) }),
          newInstance({ leaseExpiresAt: after(700_000) }),
          newInstance({ leaseExpiresAt: after(500_000) }),
          newInstance({ leaseExpiresAt: after(700_000), endedAt: after(1) }),
        ] as const;
        for (const instance of [self, living, expired, ended]) await store.registerInstance(instance);
        const fresh = { updatedAt: after(400_000) };
        await insertRunning(self.id, fresh);
        await insertRunning(living.id, fresh);
        const ofExpired = await insertRunning(expired.id, { updatedAt: after(350_000) });
        const ofEnded = await insertRunning(ended.id, { updatedAt: after(340_000) });
        const ofNobody = await insertRunning(null, { updatedAt: after(330_000) });
        const ofUnknown = await insertRunning(createId<InstanceId>(), { updatedAt: after(320_000) });
        const silent = await insertRunning(living.id, { updatedAt: after(299_999) });
        await insertRunning(living.id, { updatedAt: after(200_000), nextProbeAt: after(600_001) });
        await insertRunning(expired.id, { ...fresh, nextProbeAt: after(600_001) });
        const overdue = await insertRunning(expired.id, {
          updatedAt: after(310_000),
          nextProbeAt: after(600_001),
          deadlineAt: after(600_000),
        });
        await insertRunning(living.id, { ...fresh, deadlineAt: after(1) });
        await insertRun();
        const found = await store.listRecoveryCandidates({ ...sweep, instanceId: self.id });
        expect(ids(found)).toEqual([silent.id, overdue.id, ofUnknown.id, ofNobody.id, ofEnded.id, ofExpired.id]);
        expect(ids(await store.listRecoveryCandidates({ ...sweep, limit: 2, instanceId: self.id }))).toEqual([
          silent.id,
          overdue.id,
        ]);
      });

      it('gives cancel requests to the owner, and those of the dead to anybody', async () => {
        const [self, living] = [newInstance({ leaseExpiresAt: after(700_000) }), newInstance({ leaseExpiresAt: after(700_000) })];
        await store.registerInstance(self);
        await store.registerInstance(living);
        const cancel = { cancelRequestedAt: now };
        const mine = await insertRunning(self.id, cancel);
        const orphan = await insertRunning(createId<InstanceId>(), cancel);
        await insertRunning(living.id, cancel);
        await insertRunning(self.id);
        const found = await store.listCancelRequests({ instanceId: self.id, now: after(600_000), limit: 10 });
        expect(ids(found).sort()).toEqual([mine.id, orphan.id].sort());
        expect(ids(await store.listOwnedRuns(living.id))).toHaveLength(1);
      });
    });

    describe('instances', () => {
      it('renew their lease until it expired or they ended', async () => {
        const instance = newInstance();
        await store.registerInstance(instance);
        expect(await store.renewLease(instance.id, { now: after(20_000), leaseMs: 30_000 })).toBe(true);
        expect(await store.renewLease(instance.id, { now: after(49_999), leaseMs: 30_000 })).toBe(true);
        expect(await store.renewLease(instance.id, { now: after(200_000), leaseMs: 30_000 })).toBe(false);
        expect(await store.renewLease(createId<InstanceId>(), { now, leaseMs: 30_000 })).toBe(false);
        const ending = newInstance();
        await store.registerInstance(ending);
        await store.endInstance(ending.id, after(1));
        expect(await store.renewLease(ending.id, { now: after(2), leaseMs: 30_000 })).toBe(false);
        expect((await store.listInstances()).find((one) => one.id === ending.id)?.endedAt).toEqual(after(1));
      });

      it('are pruned when they are long gone and own no running run', async () => {
        const [gone, owner, living] = [newInstance(), newInstance(), newInstance({ leaseExpiresAt: after(1e9) })] as const;
        for (const instance of [gone, owner, living]) await store.registerInstance(instance);
        await insertRunning(owner.id);
        expect(await store.pruneInstances(after(100_000))).toBe(1);
        expect((await store.listInstances()).map((one) => one.id).sort()).toEqual([owner.id, living.id].sort());
      });

      it('keep a loop to one of them at a time', async () => {
        let release = (): void => undefined;
        const blocked = new Promise<void>((resolve) => (release = resolve));
        let entered = (): void => undefined;
        const inside = new Promise<void>((resolve) => (entered = resolve));
        const first = store.withExclusiveLoop('timer', () => {
          entered();
          return blocked;
        });
        await inside;
        expect(await store.withExclusiveLoop('timer', () => Promise.reject(new RangeError('must not run')))).toBe(false);
        expect(await store.withExclusiveLoop('prune', () => Promise.resolve())).toBe(true);
        release();
        expect(await first).toBe(true);
        await expect(store.withExclusiveLoop('timer', () => Promise.reject(new RangeError('failed inside')))).rejects.toThrow(
          'failed inside',
        );
        expect(await store.withExclusiveLoop('timer', () => Promise.resolve())).toBe(true);
      });

      it('see a clock that goes forward', async () => {
        const first = await store.databaseNow();
        expect((await store.databaseNow()).getTime()).toBeGreaterThanOrEqual(first.getTime());
      });
    });
  });
}
