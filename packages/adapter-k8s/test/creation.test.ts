import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RunHandleV1 } from '@runbeat/adapter-sdk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../simulator/index.js';
import { createKubernetesAdapter } from '../src/index.js';
import { configFor, quickTimings, type RecordedRun, recordRun } from './support/recording-run.js';

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(() => simulator.close());

const adapter = (): ReturnType<typeof createKubernetesAdapter> =>
  createKubernetesAdapter({ timings: quickTimings, onNotice: () => {} });
const executeRun = fileURLToPath(new URL('./fixtures/execute-run.mjs', import.meta.url));

interface KillPoint {
  readonly name: string;
  readonly method: string;
  readonly path: RegExp;
  readonly fate: 'answer-lost' | 'dropped';
}

/** Every await of a creation that talks to the API, before and after it took effect. */
const killPoints: KillPoint[] = [
  ['the Job is created', 'POST', /\/jobs$/],
  ['the Secret is created', 'POST', /\/secrets$/],
  ['the Job is released', 'PATCH', /\/jobs\/[^/]+$/],
].flatMap(([name, method, path]) =>
  (['dropped', 'answer-lost'] as const).map((fate) => ({
    name: `${fate === 'dropped' ? 'just before' : 'right after'} ${name}`,
    method: method as string,
    path: path as RegExp,
    fate,
  })),
);

/** Starts a run in a process of its own and kills that at the point; resolves with the handle that was stored, if any. */
async function killedStart(run: RecordedRun, rawConfig: object, point: KillPoint | 'onSpawn'): Promise<RunHandleV1 | null> {
  const child = fork(executeRun, [JSON.stringify(rawConfig), run.context.runId], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const stored: { handle: RunHandleV1 | null } = { handle: null };
  const exited = once(child, 'exit');
  child.on('message', (message: { kind: string; handle: RunHandleV1 }) => {
    if (message.kind !== 'spawn') return;
    stored.handle = message.handle;
    if (point === 'onSpawn') child.kill('SIGKILL');
  });
  if (point !== 'onSpawn') {
    simulator.injectAnswer({
      matches: (method, url) => method === point.method && point.path.test(new URL(url, 'https://x').pathname),
      status: 0,
      fate: point.fate,
      onHit: () => child.kill('SIGKILL'),
    });
  }
  await exited;
  return stored.handle;
}

describe('a server that is killed while it creates a run', () => {
  for (const point of [...killPoints, 'onSpawn' as const]) {
    test(`${point === 'onSpawn' ? 'right after the handle was stored' : point.name}: the next one works the run once and leaks nothing`, async () => {
      const rawConfig = {
        image: 'node:20',
        kubeconfig: simulator.kubeconfigPath,
        gracePeriodSeconds: 2,
        resources: { requests: { cpu: '50m', memory: '512Mi' } },
        command: ['node', '-e', 'console.log(process.env.RUNBEAT_RUN_TOKEN)'],
      };
      const run = recordRun(configFor(simulator.kubeconfigPath, { command: rawConfig.command }));
      const handle = await killedStart(run, rawConfig, point);
      const next = adapter();
      if (next.outOfProcess?.kind !== 'handle') throw new Error('The adapter has no handle liveness');
      const result = handle
        ? await next.outOfProcess.reattach({ ...run.reattach(run.context.config), handle })
        : await next.execute(run.context);
      expect(result).toEqual({ status: 'succeeded' });
      expect(run.text()).toBe(`secret-${run.context.runId}\n`);
      const ofRun = (each: { metadata: { labels?: Record<string, string> } }): boolean =>
        each.metadata.labels?.['runbeat.dev/run-id'] === run.context.runId;
      expect(simulator.jobs().filter(ofRun)).toHaveLength(1);
      expect(simulator.pods().filter(ofRun)).toHaveLength(1);
      expect(simulator.store.list('secrets', simulator.namespace).filter(ofRun)).toHaveLength(1);
      const [job] = simulator.jobs().filter(ofRun);
      simulator.store.remove('jobs', simulator.namespace, job?.metadata.name ?? '');
      await run.until(() => !simulator.store.list('secrets', simulator.namespace).some(ofRun) && !simulator.pods().some(ofRun));
    });
  }

  test('and never comes back: terminate without a handle leaves nothing, whatever was made', async () => {
    for (const point of killPoints.filter((each) => each.fate === 'answer-lost' && each.name.includes('Job'))) {
      const command = ['node', '-e', 'setInterval(()=>{},1e3)'];
      const run = recordRun(configFor(simulator.kubeconfigPath, { command }));
      await killedStart(run, { ...run.context.config, command }, point);
      const { outOfProcess } = adapter();
      await outOfProcess?.terminate({
        runId: run.context.runId,
        handle: null,
        config: run.context.config,
        reason: 'lost',
        signal: AbortSignal.timeout(30_000),
      });
      const ofRun = (each: { metadata: { labels?: Record<string, string> } }): boolean =>
        each.metadata.labels?.['runbeat.dev/run-id'] === run.context.runId;
      await run.until(
        () => ![...simulator.jobs(), ...simulator.pods(), ...simulator.store.list('secrets', simulator.namespace)].some(ofRun),
      );
    }
  });
});

describe('a creation whose answers are lost', () => {
  for (const point of killPoints) {
    test(`${point.name}: it goes on with the same Job`, async () => {
      simulator.injectAnswer({
        matches: (method, url) => method === point.method && point.path.test(new URL(url, 'https://x').pathname),
        status: 0,
        fate: point.fate,
        times: 2,
      });
      const run = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', 'console.log(1)'] }));
      expect(await adapter().execute(run.context)).toEqual({ status: 'succeeded' });
      expect(run.text()).toBe('1\n');
      expect(run.handles).toHaveLength(1);
    });
  }

  test('a Job of the same name that is not the run’s is left alone', async () => {
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] }), { runId: 'taken' });
    const other = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '1'] }), { runId: 'taken' });
    expect(await adapter().execute(run.context)).toEqual({ status: 'succeeded' });
    expect(await adapter().execute(other.context)).toMatchObject({ status: 'failed', error: { code: 'k8s.name_taken' } });
    expect(simulator.jobs().some((job) => job.metadata.name === 'runbeat-taken-1')).toBe(true);
  });

  test('a handle that the host does not store stops the start', async () => {
    const run = recordRun(configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] }), {
      onSpawn: () => Promise.reject(new Error('no room for the handle')),
    });
    await expect(adapter().execute(run.context)).rejects.toThrow('no room for the handle');
    expect(simulator.jobs().some((job) => job.metadata.labels?.['runbeat.dev/run-id'] === run.context.runId)).toBe(false);
  });

  test('a prompt that is too large is refused, with nothing left behind', async () => {
    const config = configFor(simulator.kubeconfigPath, { command: ['node', '-e', '0'] });
    const run = recordRun(config, { prompt: 'x'.repeat(1_100_000) });
    expect(await adapter().execute(run.context)).toMatchObject({ status: 'failed', error: { code: 'k8s.input_too_large' } });
    expect(simulator.jobs().some((job) => job.metadata.labels?.['runbeat.dev/run-id'] === run.context.runId)).toBe(false);
  });
});
