import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from '../simulator/index.js';
import { createKubernetesAdapter } from '../src/index.js';
import { configFor, quickTimings, recordRun } from './support/recording-run.js';

let simulator: Simulator;
const adapter = createKubernetesAdapter({ timings: quickTimings, onNotice: () => {} });

beforeAll(async () => {
  simulator = await createSimulator();
});
afterAll(() => simulator.close());

const nodeScript = (script: string): string[] => ['node', '-e', script];

describe('a run', () => {
  test('delivers its output and succeeds', async () => {
    const run = recordRun(
      configFor(simulator.kubeconfigPath, { command: nodeScript('console.log("hello"); console.log("world")') }),
    );
    const result = await adapter.execute(run.context);
    expect(result).toEqual({ status: 'succeeded' });
    expect(run.text()).toBe('hello\nworld\n');
    expect(run.handles).toHaveLength(1);
  });

  test('tells stdout and stderr apart in framed mode', async () => {
    const command = nodeScript('process.stdout.write("out");process.stderr.write("err\\n");process.exitCode=3');
    const run = recordRun(configFor(simulator.kubeconfigPath, { command, nodePath: 'node' }));
    const result = await adapter.execute(run.context);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'exit_nonzero', exitCode: 3 } });
    expect(run.text('stdout')).toBe('out');
    expect(run.text('stderr')).toBe('err\n');
  });

  test('is cancelled with its log kept', async () => {
    const command = nodeScript(
      'process.on("SIGTERM",()=>{console.log("bye");process.exit(0)});console.log("up");setInterval(()=>{},1e3)',
    );
    const run = recordRun(configFor(simulator.kubeconfigPath, { command }));
    const done = adapter.execute(run.context);
    await run.until(() => run.text().includes('up'));
    run.controller.abort({ kind: 'cancelled' });
    expect(await done).toEqual({ status: 'cancelled', forced: false });
    expect(run.text()).toBe('up\nbye\n');
  });
});
