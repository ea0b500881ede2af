import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { processHandle } from '../process-handle.js';
import { endTree } from './end-tree.js';
import { processRow } from './process-row.js';
import { treeSurvivors, type WorkTree } from './work-tree.js';

const isLinux = process.platform === 'linux';
const children: ChildProcess[] = [];
const strays: number[] = [];
afterEach(() => {
  const left = [...children.splice(0).flatMap((child) => (child.pid ? [-child.pid, child.pid] : [])), ...strays.splice(0)];
  for (const target of left) {
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // The test ended it already.
    }
  }
});

/** Leads a group, carries the run's cookie, and has said a line. */
async function start(
  script: string,
  runId: string = randomUUID(),
  more: Record<string, string> = {},
): Promise<{ child: ChildProcess; tree: WorkTree; line: string }> {
  const env = { ...process.env, RUNBEAT_RUN_ID: runId, ...more };
  const child = spawn('sh', ['-c', script], { detached: true, stdio: ['ignore', 'pipe', 'ignore'], env });
  children.push(child);
  const [chunk] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
  const pid = child.pid as number;
  const leader = processHandle(pid, { leadsGroup: true });
  return { child, line: chunk.toString().trim(), tree: { leader, groupId: pid, runId, scope: 'run' } };
}

const isAlive = async (pid: number): Promise<boolean> => (await processRow(pid))?.isZombie === false;
const ask = { signal: 'SIGTERM', graceMs: 10_000 } as const;

describe('endTree', () => {
  it('asks, and tells that nothing had to be forced; a second call finds nothing', async () => {
    const { tree, line } = await start('sleep 300 & echo $!; wait');
    expect(await endTree(tree, ask)).toEqual({ stopped: 'graceful' });
    expect(await isAlive(Number(line))).toBe(false);
    expect(await endTree(tree, ask)).toEqual({ stopped: 'already_gone' });
  });

  it('forces what ignores the request, after the grace period, and says so once', async () => {
    const { tree } = await start(`trap '' TERM; echo up; while :; do sleep 0.1; done`);
    let forced = 0;
    expect(await endTree(tree, { ...ask, graceMs: 50, onForce: () => (forced += 1) })).toEqual({ stopped: 'forced' });
    expect(forced).toBe(1);
    expect(await isAlive(tree.groupId as number)).toBe(false);
  });

  it('never signals a stranger that was given the pid of the leader, nor that stranger’s group', async () => {
    const { child, tree } = await start('sleep 300 & echo up; wait', 'of-a-stranger');
    const leader = tree.leader as NonNullable<WorkTree['leader']>;
    const past = '2001-01-01T00:00:00.000Z';
    const reused = { ...tree, runId: randomUUID(), leader: { ...leader, startTicks: isLinux ? '1' : null, startedAt: past } };
    for (const groupTrust of ['none', 'unless_reused'] as const) {
      expect(await endTree(reused, { ...ask, groupTrust })).toEqual({ stopped: 'already_gone' });
    }
    expect(await treeSurvivors(reused)).toMatchObject({ isLeaderAlive: false, isPidReused: true, all: [] });
    expect(child.exitCode ?? child.signalCode).toBeNull();
    expect(await isAlive(leader.pid)).toBe(true);
  });

  it('takes everything of another boot for gone, also when pid and ticks are the same', async () => {
    const { tree } = await start('echo up; exec sleep 300');
    const leader = tree.leader as NonNullable<WorkTree['leader']>;
    const earlier = { ...tree, runId: randomUUID(), leader: { ...leader, bootId: 'an earlier boot' } };
    expect(await endTree(earlier, { ...ask, groupTrust: 'proven' })).toEqual({ stopped: 'already_gone' });
    expect(await isAlive(leader.pid)).toBe(true);
  });

  it('ends the group that a dead leader left, as far as the caller trusts it or the members carry the cookie', async () => {
    const { child, tree, line } = await start('sleep 300 & echo $!');
    if (child.exitCode === null) await once(child, 'exit');
    const uncooked = { ...tree, runId: randomUUID() };
    expect(await endTree(uncooked, ask)).toEqual({ stopped: 'already_gone' });
    expect(await isAlive(Number(line))).toBe(true);
    expect(await endTree(uncooked, { ...ask, groupTrust: 'unless_reused' })).toEqual({ stopped: 'graceful' });
    expect(await isAlive(Number(line))).toBe(false);
  });

  it('gives up waiting when it is told to', async () => {
    const { tree } = await start(`trap '' TERM; echo up; while :; do sleep 0.1; done`);
    const abort = AbortSignal.timeout(100);
    await expect(endTree(tree, { ...ask, graceMs: 60_000, abort })).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe.runIf(isLinux)('endTree, of what left the group', () => {
  it('finds a setsid grandchild by the cookie, also without any handle', async () => {
    const { tree, line } = await start('setsid sh -c "echo \\$\\$; exec sleep 300" & wait');
    strays.push(Number(line));
    expect(await endTree({ ...tree, leader: null, groupId: null }, ask)).toEqual({ stopped: 'graceful' });
    expect(await isAlive(Number(line))).toBe(false);
    expect(await isAlive(tree.groupId as number)).toBe(false);
  });

  it('finds a setsid grandchild that cleared its environment by its parents, and keeps it in mind when they have ended', async () => {
    const work = `setsid env -i sh -c 'trap "" TERM; echo $$; while :; do sleep 0.1; done' & wait`;
    const { tree, line } = await start(work);
    strays.push(Number(line));
    // The leader ends at the first request, and with it the only trace that leads to the grandchild.
    expect(await endTree(tree, { ...ask, graceMs: 1_000 })).toEqual({ stopped: 'forced' });
    expect(await isAlive(Number(line))).toBe(false);
  });

  it('takes a zombie leader for gone and its group for its own', async () => {
    const runId = randomUUID();
    // The shell starts the leader of a group and is then replaced by a program that never waits for it.
    const script = `setsid sh -c 'env -i sleep 300 & echo $$ $!' & exec sleep 300`;
    const parent = await start(script);
    const [pid = 0, member = 0] = parent.line.split(' ').map(Number);
    strays.push(member);
    await expect.poll(async () => (await processRow(pid))?.isZombie, { timeout: 10_000 }).toBe(true);
    const leader = processHandle(pid, { leadsGroup: true });
    const tree = { leader, groupId: pid, runId, scope: 'group' } as const;
    expect(await treeSurvivors(tree)).toMatchObject({ isLeaderAlive: false, isPidReused: false, ownsGroup: true });
    expect(await endTree(tree, ask)).toEqual({ stopped: 'graceful' });
    expect(await isAlive(member)).toBe(false);
    expect(await isAlive(parent.child.pid as number)).toBe(true);
  });

  it('never ends the process that asks, nor those that it descends from, though they carry the cookie', async () => {
    const runId = randomUUID();
    // Another process has to ask, and runs what was built.
    const built = new URL('../../dist/processes.js', import.meta.url).href;
    const program = `const { endTree } = await import('${built}');
      const tree = { leader: null, groupId: null, runId: '${runId}', scope: 'run' };
      console.log(JSON.stringify(await endTree(tree, { signal: 'SIGKILL', graceMs: 10000 })));`;
    const { child, line } = await start(
      `sleep 300 & ${JSON.stringify(process.execPath)} --input-type=module -e "$PROGRAM"; echo on`,
      runId,
      {
        PROGRAM: program,
      },
    );
    let output = line;
    child.stdout?.on('data', (data) => (output += String(data)));
    await once(child, 'close');
    expect(
      output
        .replace('}', '}\n')
        .split('\n')
        .map((each) => each.trim())
        .filter(Boolean),
    ).toEqual(['{"stopped":"graceful"}', 'on']);
  });
});
