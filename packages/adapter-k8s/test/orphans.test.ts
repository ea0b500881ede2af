import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createSimulator, type Simulator } from '../simulator/index.js';
import { type AdapterNotice, createKubernetesAdapter, type Installation } from '../src/index.js';
import { configFor, quickTimings, type RecordedRun, recordRun } from './support/recording-run.js';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(() => simulator.close());

/** A host: its adapter, and what it knows of its runs. `sweeps` counts questions about them. It sweeps until the file's end, so each test has its own ids. */
interface Host {
  readonly adapter: ReturnType<typeof createKubernetesAdapter>;
  readonly unfinished: Set<string>;
  readonly notices: AdapterNotice[];
  isDatabaseAway: boolean;
  sweeps: number;
}

function createHost(id: string | null, clock: { aheadMs: number } = { aheadMs: 0 }): Host {
  const host = { unfinished: new Set<string>(), notices: [] as AdapterNotice[], isDatabaseAway: false, sweeps: 0 };
  const installation: Installation = {
    id: id ?? '',
    async unfinishedRuns(runIds) {
      host.sweeps += 1;
      if (host.isDatabaseAway) throw new RangeError('the database is away');
      return new Set(runIds.filter((runId) => host.unfinished.has(runId)));
    },
  };
  const adapter = createKubernetesAdapter({
    ...(id === null ? {} : { installation }),
    timings: { ...quickTimings, orphanSweepMs: 20, orphanAgeMs: 600_000 },
    now: () => Date.now() + clock.aheadMs,
    onNotice: (notice) => host.notices.push(notice),
  });
  return Object.assign(host, { adapter });
}

const isThere = (run: RecordedRun): boolean =>
  simulator.jobs().some((job) => job.metadata.labels?.['runbeat.dev/run-id'] === run.context.runId);

/** A run that works in the cluster and whose server is gone. */
async function leaveWorking(host: Host): Promise<RecordedRun> {
  const run = recordRun(
    configFor(simulator.kubeconfigPath, { command: ['node', '-e', 'console.log(1); setInterval(() => {}, 1e3)'] }),
  );
  const execution = host.adapter.execute(run.context);
  await run.until(() => run.text() !== '');
  run.controller.abort({ kind: 'host_shutdown' });
  expect(await execution).toEqual({ status: 'detached' });
  onTestFinished(async () => {
    await host.adapter.outOfProcess?.terminate({
      runId: run.context.runId,
      handle: run.handles[0] ?? null,
      config: run.context.config,
      reason: 'lost',
      signal: AbortSignal.timeout(30_000),
    });
  });
  return run;
}

/** Lets the host look at the namespace, as any run there does, and resolves when it has swept. */
async function untilSwept(host: Host, isSwept: () => boolean): Promise<void> {
  const visitor = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] }));
  host.unfinished.add(visitor.context.runId);
  expect(await host.adapter.execute(visitor.context)).toEqual({ status: 'succeeded' });
  await visitor.until(isSwept);
}

const anHour = { aheadMs: 3_600_000 };

describe('the sweep for orphans', () => {
  test('deletes a working Job whose run is over, and leaves one whose run goes on, on another server', async () => {
    const [first, second] = [createHost('ours'), createHost('ours', anHour)];
    const [lost, working] = [await leaveWorking(first), await leaveWorking(first)];
    second.unfinished.add(working.context.runId);
    await untilSwept(second, () => !isThere(lost));
    const rounds = second.sweeps;
    await lost.until(() => second.sweeps > rounds + 2);
    expect(isThere(working)).toBe(true);
    expect(second.notices.filter(({ type }) => type === 'orphan_deleted')).toHaveLength(1);
    expect(second.notices[0]?.message).toContain(lost.context.runId);
  });

  test('never touches the Jobs of another installation in the same namespace, nor of a host that does not say', async () => {
    const [theirs, unsaid, ours] = [createHost('theirs'), createHost(null), createHost('own')];
    const runs = [await leaveWorking(theirs), await leaveWorking(unsaid)];
    const own = await leaveWorking(ours);
    const next = createHost('own', anHour);
    await untilSwept(next, () => !isThere(own));
    expect(runs.map(isThere)).toEqual([true, true]);
    expect(next.notices.map(({ type }) => type)).toEqual(['orphan_deleted']);
  });

  test('deletes nothing while the host cannot say which runs go on, and says so', async () => {
    const [first, second] = [createHost('away'), createHost('away', anHour)];
    const run = await leaveWorking(first);
    second.isDatabaseAway = true;
    await untilSwept(second, () => second.sweeps > 3);
    expect(isThere(run)).toBe(true);
    expect(second.notices[0]).toMatchObject({ type: 'orphan_sweep_failed' });
    expect(second.notices[0]?.message).toContain('the database is away');
    second.isDatabaseAway = false;
    await run.until(() => !isThere(run));
  });

  test('does not ask about Jobs that are younger than ten minutes', async () => {
    const clock = { aheadMs: 0 };
    const [first, second] = [createHost('young'), createHost('young', clock)];
    const run = await leaveWorking(first);
    clock.aheadMs = 590_000;
    await untilSwept(second, () => true);
    const looks = (): number => simulator.requests.filter(({ method, url }) => method === 'GET' && /\/jobs\?/.test(url)).length;
    const before = looks();
    await run.until(() => looks() > before + 3);
    expect(second.sweeps).toBe(0);
    expect(isThere(run)).toBe(true);
    clock.aheadMs = 700_000;
    await run.until(() => !isThere(run));
  });
});
