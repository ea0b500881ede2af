import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { createScriptedAdapter } from '@runbeat/adapter-testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createProcessTable } from '../../src/processes/process-table.js';
import type { Agent } from '../../src/supervisor/model/index.js';
import type { TestInstance } from '../../src/supervisor/testing/supervisor-harness.js';
import { createScenarioWorld, type ScenarioWorld } from './scenario-world.js';

const processes = await createProcessTable();
const attached = createScriptedAdapter({ kind: 'attached' }).adapter;

// Start times are read from /proc; `processes/process-table.test.ts` covers the systems that have none.
describe.runIf(process.platform === 'linux')('attached runs whose server died, with real processes', () => {
  let world: ScenarioWorld;
  let agent: Agent;
  let instance: TestInstance;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    world = await createScenarioWorld('memory');
    agent = await world.addAgent();
    instance = await world.start([attached], { processes });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // The test ended it already.
      }
    }
    await world.stopAll();
  });

  async function start(script: string): Promise<{ child: ChildProcess; handle: ProcessHandleV1; printed: string }> {
    const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    const pid = child.pid as number;
    const startTicks = ticksOf(pid);
    const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const { host, hostBootId: bootId } = processes.self;
    const handle = {
      kind: 'process',
      pid,
      processGroupId: pid,
      startedAt: new Date().toISOString(),
      host,
      bootId,
      startTicks,
    } as const;
    return { child, handle, printed: chunk.toString().trim() };
  }

  it('C10 lose one whose pid a stranger has, and leave the stranger alone', async () => {
    const { child, handle } = await start('echo ready; exec sleep 60');
    const run = await world.addRun(agent, { handle: { ...handle, startTicks: '1' } });
    expect((await instance.supervisor.reapOrphanedRuns()).runIds).toEqual([run.id]);
    expect((await world.run(run.id)).error).toContain('belongs to another process');
    expect(stateOf(child.pid as number)).not.toBeNull();
  });

  it('C11 keep one whose process lives, with a warning that names its pid', async () => {
    const { child, handle } = await start('echo ready; exec sleep 60');
    const run = await world.addRun(agent, { handle });
    expect((await instance.supervisor.reapOrphanedRuns()).reaped).toBe(0);
    expect((await world.run(run.id)).warning).toMatchObject({
      code: 'process_detached',
      message: expect.stringContaining(String(child.pid)),
    });
    expect((await world.wakeup(run.wakeupRequestId)).status).toBe('claimed');
  });

  it('C12 lose one whose process is dead, and retry it once', async () => {
    const { child, handle } = await start('echo ready; exec sleep 60');
    child.kill('SIGKILL');
    await once(child, 'exit');
    const run = await world.addRun(agent, { handle });
    await instance.supervisor.reapOrphanedRuns();
    expect(await world.run(run.id)).toMatchObject({ status: 'failed', errorCode: 'process_lost' });
    expect((await world.runsOf(agent.id)).filter((each) => each.retryOfRunId === run.id)).toHaveLength(1);
  });

  it('C13 end the group that a dead process left behind, say so, and retry once', async () => {
    const { child, handle, printed } = await start('sleep 60 & echo $!');
    if (child.exitCode === null) await once(child, 'exit');
    expect(stateOf(Number(printed))).not.toBeNull();
    const run = await world.addRun(agent, { handle });
    await instance.supervisor.reapOrphanedRuns();
    expect((await world.run(run.id)).error).toContain('descendant process group');
    expect(stateOf(Number(printed))).toBeNull();
    expect((await world.runsOf(agent.id)).filter((each) => each.retryOfRunId === run.id)).toHaveLength(1);
  });
});

/** Null = there is none, or it is dead and only not yet waited for. */
function stateOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const state = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0] ?? 'X';
    return state === 'Z' || state === 'X' ? null : state;
  } catch {
    return null;
  }
}

function ticksOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
