import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createSimulator, NO_FAULTS, type Simulator } from '../simulator/index.js';
import { createKubernetesAdapter } from '../src/index.js';
import { configFor, quickTimings, type RecordedRun, recordRun } from './support/recording-run.js';

let simulator: Simulator;
beforeEach(async () => {
  simulator = await createSimulator();
});
afterEach(() => simulator.close());

const adapter = (): ReturnType<typeof createKubernetesAdapter> =>
  createKubernetesAdapter({ timings: quickTimings, onNotice: () => {} });
const ticking = (count: number, ms: number): string[] => [
  'node',
  '-e',
  `let i=0;const t=setInterval(()=>{console.log("line "+(++i));if(i>=${count}){clearInterval(t)}},${ms})`,
];
const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index + 1}\n`).join('');

for (const [mode, extra] of [
  ['plain', {}],
  ['framed', { nodePath: 'node' }],
] as const) {
  const start = async (count: number, ms: number): Promise<{ run: RecordedRun; done: Promise<unknown> }> => {
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ticking(count, ms), ...extra }));
    const done = adapter().execute(run.context);
    await run.until(() => run.text().includes('line 3\n'));
    return { run, done };
  };
  const pause = (ms: number): Promise<void> => simulator.cluster.delay(ms);

  describe(mode, () => {
    // Every limit of the adapter is scaled: the outage is longer than the longest of them, as 20 minutes are than 10.
    test.each(['refuse', 'hang'] as const)(
      'C17 the API is away (%s) for longer than every limit while the Job works: it stays running, its log is complete',
      async (how) => {
        const { run, done } = await start(60, 50);
        let isSettled = false;
        void done.then(() => {
          isSettled = true;
        });
        simulator.network.setReachable(how);
        simulator.network.breakAll(how === 'refuse' ? 'reset' : 'black-hole');
        await pause(Math.max(quickTimings.nodeLostMs ?? 0, quickTimings.quotaMs ?? 0, quickTimings.verdictMs ?? 0) * 2);
        expect(isSettled).toBe(false);
        const { outOfProcess } = adapter();
        if (outOfProcess?.kind !== 'handle') throw new Error('The adapter has no handle liveness');
        const query = { ...run.reattach(run.context.config), signal: AbortSignal.timeout(10_000) };
        expect(await outOfProcess.probe(query)).toMatchObject({ state: 'unknown' });
        simulator.network.setReachable('reachable');
        simulator.network.breakAll('reset');
        expect(await done).toEqual({ status: 'succeeded' });
        expect(run.text('stdout')).toBe(lines(60));
        expect(run.text('system')).toBe('');
      },
    );

    test('an API server that restarts makes every revision too old: the run is listed anew and its log goes on', async () => {
      const { run, done } = await start(40, 25);
      for (let restarts = 0; restarts < 5; restarts += 1) {
        simulator.restartApiServer();
        await pause(60);
      }
      expect(await done).toEqual({ status: 'succeeded' });
      expect(run.text()).toBe(lines(40));
    });

    test('connections that are reset, closed or swallowed in mid-stream cost nothing', async () => {
      const { run, done } = await start(60, 25);
      for (const how of ['reset', 'fin', 'black-hole', 'reset', 'fin'] as const) {
        simulator.network.breakAll(how);
        await pause(80);
      }
      expect(await done).toEqual({ status: 'succeeded' });
      expect(run.text()).toBe(lines(60));
    });

    test('a token that is rotated is read again from the kubeconfig', async () => {
      const { run, done } = await start(30, 25);
      simulator.rotateToken();
      simulator.network.breakAll('reset');
      expect(await done).toEqual({ status: 'succeeded' });
      expect(run.text()).toBe(lines(30));
    });

    test('a kubelet that restarts ends the follow cleanly and answers 404 for a while: nothing is taken for the end', async () => {
      const { run, done } = await start(40, 25);
      for (let restarts = 0; restarts < 3; restarts += 1) {
        simulator.kubelet.restart({ notFoundMs: 100 });
        await pause(150);
      }
      expect(await done).toEqual({ status: 'succeeded' });
      expect(run.text()).toBe(lines(40));
    });

    test('an error of the node inside a 200 is not output', async () => {
      simulator.logFaults.inBandError = { text: 'rpc error: code = Unknown desc = log driver failed', times: 3, afterBytes: 60 };
      const { run, done } = await start(20, 25);
      expect(await done).toEqual({ status: 'succeeded' });
      expect(run.text()).toBe(lines(20));
    });
  });
}

describe.each([
  [429, { 'Retry-After': '0' }],
  [500, {}],
  [503, { 'Content-Type': 'text/html' }],
  [410, {}],
] as const)('an API that answers %i for a while', (status, headers) => {
  test.each([
    ['creating', (method: string, url: string) => method === 'POST' && /\/(jobs|secrets)$/.test(url)],
    ['releasing', (method: string) => method === 'PATCH'],
    ['listing and watching', (method: string, url: string) => method === 'GET' && /\/(jobs|pods)\?/.test(url)],
    ['reading the log', (method: string, url: string) => method === 'GET' && /\/log\?/.test(url)],
  ] as const)('%s: the run is done once, with its whole log', async (what, matches) => {
    const isWrite = what === 'creating' || what === 'releasing';
    if (status === 410 && isWrite) return;
    simulator.injectAnswer({
      matches,
      times: 4,
      status,
      headers,
      body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: `injected ${status}`, code: status },
    });
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ticking(10, 10) }));
    expect(await adapter().execute(run.context)).toEqual({ status: 'succeeded' });
    expect(run.text()).toBe(lines(10));
    expect(simulator.jobs()).toHaveLength(1);
    expect(simulator.pods()).toHaveLength(1);
  });
});

test('cancel goes through an API that fails at first', async () => {
  const command = ['node', '-e', 'process.on("SIGTERM",()=>process.exit(0));console.log("up");setInterval(()=>{},1e3)'];
  const run = recordRun(configFor(simulator.kubeconfigPath, { command }));
  const done = adapter().execute(run.context);
  await run.until(() => run.text().includes('up'));
  for (const method of ['PATCH', 'DELETE']) {
    simulator.injectAnswer({ matches: (each) => each === method, times: 3, status: 500, body: {} });
  }
  run.controller.abort({ kind: 'cancelled' });
  expect(await done).toEqual({ status: 'cancelled', forced: false });
  await run.until(() => simulator.jobs().length === 0 && simulator.pods().length === 0);
});

test('many runs share two watches, and one connection for calls', async () => {
  simulator.network.schedule = NO_FAULTS;
  const minutes = 120_000;
  const patient = { callMs: minutes, streamHeaderMs: minutes, watchIdleMs: minutes, plainLogIdleMs: minutes, newsMs: minutes };
  const shared = createKubernetesAdapter({ timings: { ...quickTimings, ...patient }, onNotice: () => {} });
  const before = simulator.network.connectionCount;
  const command = ['sh', '-c', 'echo up; sleep 2'];
  const runs = Array.from({ length: 12 }, () => recordRun(configFor(simulator.kubeconfigPath, { command })));
  const all = Promise.all(runs.map((run) => shared.execute(run.context)));
  await Promise.all(runs.map((run) => run.until(() => run.text().includes('up\n'), 50_000)));
  expect(simulator.watches.count).toBe(2);
  for (const result of await all) expect(result).toEqual({ status: 'succeeded' });
  // One for calls, one per watch, and the followed logs, which share what is free.
  expect(simulator.network.connectionCount - before).toBeLessThanOrEqual(1 + 2 + runs.length);
  await runs[0]?.until(() => simulator.watches.count === 0);
});
