import { createScriptedAdapter, createScriptedWorld, type ScriptedWorkload } from '@runbeat/adapter-testkit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Agent, type Issue, isTerminalRunStatus, type Run, type RunId } from '../../src/supervisor/model/index.js';
import type { TestInstance } from '../../src/supervisor/testing/supervisor-harness.js';
import { createScenarioWorld, type ScenarioWorld, type StoreKind, scenarioStores } from './scenario-world.js';

/** What may happen, in any order. `at` picks an instance or a run by its index. */
type Step =
  | { readonly kind: 'wake'; readonly isAttached: boolean; readonly withIssue: boolean }
  | { readonly kind: 'kill' | 'sweep' | 'stop'; readonly at: number }
  | { readonly kind: 'write' | 'end' | 'fail' | 'vanish' | 'crash-adapter' | 'cancel' | 'activity'; readonly at: number }
  | { readonly kind: 'probe'; readonly at: number; readonly answer: 'unknown' | 'gone-once' | 'truth' }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'freeze'; readonly ms: number };

const at = fc.nat(20);
const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('wake' as const), isAttached: fc.boolean(), withIssue: fc.boolean() }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('kill' as const, 'sweep' as const, 'stop' as const), at }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constantFrom(
          'write' as const,
          'end' as const,
          'fail' as const,
          'vanish' as const,
          'crash-adapter' as const,
          'cancel' as const,
          'activity' as const,
        ),
        at,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('probe' as const),
        at,
        answer: fc.constantFrom('unknown' as const, 'gone-once' as const, 'truth' as const),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(0, 100, 5_000, 31_000, 301_000) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('freeze' as const), ms: fc.constantFrom(5_000, 40_000) }) },
  ),
  { minLength: 5, maxLength: 30 },
);

class Play {
  private readonly scripted = createScriptedWorld();
  private readonly handle = createScriptedAdapter({ world: this.scripted, type: 'handle', kind: 'handle' }).adapter;
  private readonly attached = createScriptedAdapter({
    world: this.scripted,
    type: 'attached',
    kind: 'attached',
    handleFor: ({ pid }) => ({
      kind: 'process',
      pid,
      processGroupId: null,
      startedAt: new Date(0).toISOString(),
      host: 'test-host',
      bootId: 'boot',
      startTicks: '1',
    }),
  }).adapter;
  private readonly written = new Map<RunId, string>();
  private readonly world: ScenarioWorld;
  private readonly agents: readonly [handle: Agent, attached: Agent];
  private readonly issue: Issue;
  instances: TestInstance[] = [];

  private constructor(world: ScenarioWorld, agents: readonly [Agent, Agent], issue: Issue) {
    this.world = world;
    this.agents = agents;
    this.issue = issue;
  }

  static async begin(kind: StoreKind): Promise<Play> {
    const world = await createScenarioWorld(kind);
    const agents = [
      await world.addAgent({ name: 'h', adapterType: 'handle' }),
      await world.addAgent({ name: 'a', adapterType: 'attached' }),
    ] as const;
    const play = new Play(world, agents, await world.addIssue({ status: 'in_progress' }));
    play.instances = [await play.startInstance(), await play.startInstance()];
    return play;
  }

  private startInstance(): Promise<TestInstance> {
    return this.world.start([this.handle, this.attached], { random: () => 0.5 });
  }

  async runs(): Promise<Run[]> {
    return [...(await this.world.runsOf(this.agents[0].id)), ...(await this.world.runsOf(this.agents[1].id))];
  }

  private async workloadAt(index: number): Promise<{ run: Run; workload: ScriptedWorkload } | null> {
    const runs = (await this.runs()).filter((run) => run.handle !== null);
    const run = runs[index % Math.max(1, runs.length)];
    return run ? { run, workload: await this.scripted.workload(run.id) } : null;
  }

  async take(step: Step): Promise<void> {
    const { clock } = this.world;
    switch (step.kind) {
      case 'pass':
        return clock.advance(step.ms);
      case 'freeze':
        return clock.freeze(step.ms);
      case 'wake': {
        const agent = this.agents[step.isAttached ? 1 : 0];
        const issueId = step.withIssue ? this.issue.id : null;
        await this.instance(0).supervisor.enqueueWakeup({
          companyId: agent.companyId,
          agentId: agent.id,
          source: 'on_demand',
          issueId,
        });
        return;
      }
      case 'kill':
      case 'stop': {
        const index = step.at % this.instances.length;
        if (step.kind === 'kill') this.instance(index).kill();
        else await this.world.settle(this.instance(index).supervisor.stop());
        this.instances[index] = await this.startInstance();
        return;
      }
      case 'sweep':
        await this.world.settle(Promise.all(this.instances.map((instance) => instance.supervisor.reapOrphanedRuns())));
        return;
      case 'cancel': {
        const runs = await this.runs();
        const run = runs[step.at % Math.max(1, runs.length)];
        if (run) await this.instance(step.at).supervisor.cancelRun(run.id, { reason: null, actor: { kind: 'system' } });
        return;
      }
      default:
        return this.touch(step);
    }
  }

  private instance(index: number): TestInstance {
    return this.instances[index % this.instances.length] as TestInstance;
  }

  private async touch(step: Extract<Step, { at: number }>): Promise<void> {
    const found = await this.workloadAt(step.at);
    if (found?.workload.state.kind !== 'running') return;
    const { run, workload } = found;
    switch (step.kind) {
      case 'write': {
        const text = `${(this.written.get(run.id) ?? '').length}\n`;
        this.written.set(run.id, (this.written.get(run.id) ?? '') + text);
        void workload.write('stdout', text);
        return;
      }
      case 'activity':
        if (run.status === 'running')
          await this.instance(step.at)
            .supervisor.reportRunActivity(run.id)
            .catch(() => undefined);
        return;
      case 'end':
        return workload.end({ status: 'succeeded' });
      case 'fail':
        return workload.end({ status: 'failed', error: { code: 'exit_nonzero', message: 'no', retryable: step.at % 2 === 0 } });
      case 'vanish':
        return workload.vanish();
      case 'crash-adapter': {
        const { AdapterError } = await import('@runbeat/adapter-sdk');
        return workload.crashAdapter(new AdapterError('adapter_crashed', 'crashed'));
      }
      case 'probe': {
        if (step.answer === 'truth') return workload.answerProbes();
        if (step.answer === 'unknown') return workload.answerProbes({ state: 'unknown', retryAfterMs: 5_000, message: 'away' });
        return workload.answerProbes({ state: 'gone' }, ({ signal }) =>
          signal.aborted ? { state: 'gone' } : { state: 'alive' },
        );
      }
      default:
        return;
    }
  }

  /** The world is well again: probes tell the truth and all work ends. Everything must come to rest. */
  async heal(): Promise<void> {
    for (let round = 0; round < 40; round += 1) {
      const open = (await this.runs()).filter((run) => !isTerminalRunStatus(run.status));
      if (open.length === 0) return;
      for (const run of open) {
        if (run.handle === null) continue;
        const workload = await this.scripted.workload(run.id);
        workload.answerProbes();
        workload.end({ status: 'succeeded' });
      }
      await this.world.clock.advance(61_000);
    }
    throw new Error(`Runs never ended: ${JSON.stringify((await this.runs()).filter((run) => !isTerminalRunStatus(run.status)))}`);
  }

  async check(): Promise<void> {
    const runs = await this.runs();
    for (const run of runs) {
      const events = await this.world.store.listRunEvents(run.id, { afterSeq: 0, limit: 1_000 });
      expect(
        events.filter((event) => event.type === 'run-finished'),
        `ends of run ${run.id}`,
      ).toHaveLength(1);
      expect(runs.filter((other) => other.retryOfRunId === run.id).length, `retries of run ${run.id}`).toBeLessThanOrEqual(1);
      expect(run.processLossRetryCount).toBeLessThanOrEqual(1);
      expect(['completed', 'failed', 'cancelled', 'skipped']).toContain((await this.world.wakeup(run.wakeupRequestId)).status);
      if (run.handle === null) continue;
      const workload = await this.scripted.workload(run.id);
      expect(workload.executions, `executions of run ${run.id}`).toBe(1);
      // What the process table ends is not played here; recovery by real processes has a test of its own.
      if (run.adapterType === 'handle') expect(workload.state.kind, `work of run ${run.id}`).not.toBe('running');
      const stored = this.world.logStore.textOf(run.id);
      const written = this.written.get(run.id) ?? '';
      if (run.adapterType === 'handle' && run.status === 'succeeded') expect(stored).toBe(written);
      else expect(written.startsWith(stored), `log of run ${run.id}`).toBe(true);
    }
    expect((await this.world.issue(this.issue.id)).executionRunId).toBeNull();
    expect(this.instances.flatMap((instance) => instance.supervisor.activeRunIds())).toEqual([]);
  }

  end(): Promise<void> {
    return this.world.stopAll();
  }
}

/** How many per store; more by `RUNBEAT_PROPERTY_RUNS`, as the chaos run of a night does. */
const interleavings: Record<StoreKind, number> = { memory: 40, postgres: 4 };

describe('any interleaving of crashes, activity, probes and two servers', () => {
  it.each(scenarioStores)(
    'on the %s store ends each run once, executes it once, retries it at most once, and leaves no lock',
    async (kind) => {
      await fc.assert(
        fc.asyncProperty(steps, async (drawn) => {
          const play = await Play.begin(kind);
          try {
            for (const step of drawn) {
              await play.take(step);
              await new Promise((resolve) => setImmediate(resolve));
            }
            await play.heal();
            await play.check();
          } finally {
            await play.end();
          }
        }),
        { numRuns: Number(process.env.RUNBEAT_PROPERTY_RUNS ?? interleavings[kind]) },
      );
    },
  );
});
