import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LivenessV1, ProcessHandleV1, RunResultV1 } from '@runbeat/adapter-sdk';
import { processRow } from '@runbeat/adapter-sdk/processes';
import { expect, it } from 'vitest';
import { localConfig } from '../src/config.js';
import { eventually, fixture, fixtureConfig, isAlive, useBench } from './bench.js';

const bench = useBench();

/** What a host has stored: one JSON record a line, appended before it acknowledges. */
interface Stored {
  readonly handle?: ProcessHandleV1;
  readonly stream?: string;
  readonly text?: string;
  readonly cursor?: string | null;
  readonly result?: RunResultV1;
}

type DieAt = 'spawn-unstored' | 'spawn-stored' | 'log-stored' | 'result-unstored';

/** One run as the hosts that come one after the other see it. */
function useRun(rawConfig: object) {
  const runId = 'run-1';
  const storePath = join(bench.folder, 'store');
  writeFileSync(storePath, '');
  const stored = (): Stored[] =>
    readFileSync(storePath, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Stored);
  const handle = (): ProcessHandleV1 => stored().find((record) => record.handle)?.handle ?? expect.fail('No handle was stored.');
  const host = (kind: 'execute' | 'reattach', dieAt?: DieAt): ChildProcess => {
    const afterCursor = stored().reduce<string | null>((last, { cursor }) => cursor ?? last, null);
    const later = kind === 'reattach' ? { handle: handle(), afterCursor } : {};
    const task = { kind, runId, rawConfig, runsDirectory: bench.runsDirectory, storePath, dieAt, ...later };
    return spawn(process.execPath, [fixture('host'), JSON.stringify(task)], { stdio: ['ignore', 'ignore', 'inherit'] });
  };
  const config = localConfig.parse(rawConfig);
  const outOfProcess = bench.local.outOfProcess;
  if (outOfProcess?.kind !== 'handle') return expect.fail();
  return {
    runId,
    stored,
    handle,
    host,
    text: (stream: string) =>
      stored()
        .map((record) => (record.stream === stream ? record.text : ''))
        .join(''),
    result: () => stored().find((record) => record.result)?.result ?? null,
    probe: (): Promise<LivenessV1> =>
      outOfProcess.probe({ runId, handle: handle(), config, signal: AbortSignal.timeout(20_000) }),
    terminate: (known: ProcessHandleV1 | null) =>
      outOfProcess.terminate({ runId, handle: known, config, reason: 'cancelled', signal: AbortSignal.timeout(20_000) }),
  };
}

async function ended(host: ChildProcess): Promise<void> {
  if (host.exitCode === null && host.signalCode === null) await once(host, 'exit');
}

/** Lets a host work until it has stored `count` records more, then kills it. */
async function killAfter(run: ReturnType<typeof useRun>, host: ChildProcess, count: number): Promise<void> {
  const before = run.stored().length;
  await eventually('the host stores', () => run.stored().length >= before + count || host.exitCode !== null);
  host.kill('SIGKILL');
  await ended(host);
}

const lines = (count: number): string => Array.from({ length: count }, (_, index) => `line ${index + 1} ä€😀\n`).join('');

/** A command that prints until it is told to end, however slow the machine is, and what it must have printed then. */
function printer(exitCode: number) {
  const file = join(bench.folder, 'end');
  const marker = join(bench.folder, 'marker');
  return {
    rawConfig: fixtureConfig('prints-until', file, exitCode, marker),
    end: () => writeFileSync(file, ''),
    starts: () => readFileSync(marker, 'utf8'),
    check(run: ReturnType<typeof useRun>): void {
      const count = Number(/^end (\d+)$/m.exec(run.text('stdout'))?.[1]);
      expect(run.text('stdout')).toBe(`${lines(count)}end ${count}\n`);
      const notes = Array.from({ length: Math.floor(count / 10) }, (_, index) => `note ${(index + 1) * 10}\n`);
      expect(run.text('stderr')).toBe(notes.join(''));
    },
  };
}

it('C1 stores every byte once and the true exit code, though the host is killed in mid-output', async () => {
  const command = printer(7);
  const run = useRun(command.rawConfig);
  await killAfter(run, run.host('execute'), 4);
  const later = run.host('reattach');
  command.end();
  await ended(later);
  command.check(run);
  expect(run.result()).toMatchObject({ status: 'failed', error: { code: 'exit_nonzero', exitCode: 7 } });
});

it('C3 survives ten kills in a row with one execution and a complete log', async () => {
  const command = printer(3);
  const run = useRun(command.rawConfig);
  await killAfter(run, run.host('execute'), 3);
  for (let kill = 2; kill <= 10; kill += 1) await killAfter(run, run.host('reattach'), 1);
  command.end();
  await ended(run.host('reattach'));
  command.check(run);
  expect(run.result()).toMatchObject({ status: 'failed', error: { exitCode: 3 } });
  expect(command.starts()).toBe('started\n');
});

it('C1 keeps the end of a command that ended while no host lived', async () => {
  const command = printer(6);
  const run = useRun(command.rawConfig);
  await killAfter(run, run.host('execute'), 2);
  command.end();
  await eventually('the command ends', () => !isAlive(run.handle().pid));
  expect(await run.probe()).toMatchObject({ state: 'ended', result: { error: { exitCode: 6 } } });
  await ended(run.host('reattach'));
  command.check(run);
  expect(run.result()).toMatchObject({ status: 'failed', error: { exitCode: 6 } });
});

it('C2 takes a silent run over, and a cancel reaches it', async () => {
  const run = useRun({ ...fixtureConfig('stubborn-tree'), graceMs: 200 });
  await killAfter(run, run.host('execute'), 2);
  const pids = run.text('stdout').trim().split(' ').slice(1).map(Number);
  expect(await run.probe()).toEqual({ state: 'alive' });
  expect(await run.terminate(run.handle())).toEqual({ stopped: 'forced' });
  expect(pids.map(isAlive)).toEqual([false, false, false]);
  expect(await run.probe()).toEqual({ state: 'ended', result: { status: 'cancelled', forced: true } });
  expect(await run.terminate(run.handle())).toEqual({ stopped: 'already_gone' });
});

it('goes on with a stop that the host was killed in the middle of', async () => {
  const run = useRun({ ...fixtureConfig('stubborn-tree'), graceMs: 2_000 });
  const host = run.host('execute');
  await eventually('the pids are stored', () => run.text('stdout').includes('\n'));
  const pids = run.text('stdout').trim().split(' ').slice(1).map(Number);
  host.kill('SIGUSR2');
  await eventually('the stop is noted', () => existsSync(join(bench.runsDirectory, run.runId, 'stop')));
  host.kill('SIGKILL');
  await ended(host);
  await ended(run.host('reattach'));
  expect(run.result()).toEqual({ status: 'cancelled', forced: true });
  expect(pids.map(isAlive)).toEqual([false, false, false]);
});

it('runs nothing when the host is killed before the handle was stored', async () => {
  const marker = join(bench.folder, 'marker');
  const run = useRun(fixtureConfig('numbered-lines', 3, 1, 0, marker));
  await ended(run.host('execute', 'spawn-unstored'));
  const exit = join(bench.runsDirectory, run.runId, 'exit');
  await eventually('the capsule ends by itself', () => existsSync(exit));
  expect(readFileSync(exit, 'utf8')).toBe('not_started\n');
  expect(existsSync(marker)).toBe(false);
  expect(await run.terminate(null)).toEqual({ stopped: 'already_gone' });
});

it('says that a run may be tried again when the host is killed between handle and start', async () => {
  const marker = join(bench.folder, 'marker');
  const run = useRun(fixtureConfig('numbered-lines', 3, 1, 0, marker));
  await ended(run.host('execute', 'spawn-stored'));
  await ended(run.host('reattach'));
  expect(run.result()).toMatchObject({ status: 'failed', error: { code: 'start_failed', retryable: true } });
  expect(existsSync(marker)).toBe(false);
});

it('gives a run whose host is killed before it stored the result to the next one, whole', async () => {
  const run = useRun(fixtureConfig('numbered-lines', 20, 1, 5));
  await ended(run.host('execute', 'result-unstored'));
  expect(run.result()).toBeNull();
  expect(await run.probe()).toMatchObject({ state: 'ended', result: { status: 'failed', error: { exitCode: 5 } } });
  await ended(run.host('reattach'));
  expect(run.text('stdout')).toBe(lines(20));
  expect(run.result()).toMatchObject({ status: 'failed', error: { exitCode: 5 } });
});

it('goes on after a host that is killed at each text it stores', async () => {
  const run = useRun(fixtureConfig('numbered-lines', 30, 20, 0));
  await ended(run.host('execute', 'log-stored'));
  for (let hosts = 0; run.result() === null && hosts < 100; hosts += 1) await ended(run.host('reattach', 'log-stored'));
  expect(run.text('stdout')).toBe(lines(30));
  expect(run.result()).toEqual({ status: 'succeeded' });
});

it('C13 finds a command whose capsule was killed, and ends it with all that it started', async () => {
  const run = useRun({ ...fixtureConfig('stubborn-tree'), graceMs: 100 });
  await killAfter(run, run.host('execute'), 2);
  const pids = run.text('stdout').trim().split(' ').slice(1).map(Number);
  process.kill(run.handle().pid, 'SIGKILL');
  await eventually('the capsule is gone', () => !isAlive(run.handle().pid));
  expect(await run.probe()).toEqual({ state: 'alive' });
  expect(await run.terminate(run.handle())).toEqual({ stopped: 'forced' });
  expect(pids.map(isAlive)).toEqual([false, false, false]);
});

it('tells a terminate without a handle from the folder', async () => {
  const run = useRun({ ...fixtureConfig('stubborn-tree'), graceMs: 100 });
  await killAfter(run, run.host('execute'), 2);
  const pids = run.text('stdout').trim().split(' ').slice(1).map(Number);
  expect(await run.terminate(null)).toEqual({ stopped: 'forced' });
  expect(pids.map(isAlive)).toEqual([false, false, false]);
});

it('C10 takes a pid that now belongs to another process as gone, fetches what the run left, and never signals the stranger', async () => {
  const run = useRun(fixtureConfig('numbered-lines', 1, 1, 0));
  const stranger = spawn('sleep', ['100'], { detached: true });
  try {
    const pid = stranger.pid ?? expect.fail();
    const ticks = (await processRow(pid))?.startTicks;
    await ended(run.host('execute'));
    const reused = { ...run.handle(), pid, processGroupId: pid };
    // Without its exit record the run has only its pid to be known by.
    writeFileSync(join(bench.runsDirectory, run.runId, 'exit'), '');
    const target = { runId: run.runId, handle: reused, config: localConfig.parse(fixtureConfig('numbered-lines')) };
    const outOfProcess = bench.local.outOfProcess;
    if (outOfProcess?.kind !== 'handle') return expect.fail();
    const probe = () => outOfProcess.probe({ ...target, signal: AbortSignal.timeout(20_000) });
    expect(await probe()).toMatchObject({ state: 'ended', result: { status: 'failed', error: { code: 'process_lost' } } });
    rmSync(join(bench.runsDirectory, run.runId), { recursive: true });
    expect(await probe()).toEqual({ state: 'gone' });
    expect(await run.terminate(reused)).toEqual({ stopped: 'already_gone' });
    expect((await processRow(pid))?.startTicks).toBe(ticks);
  } finally {
    stranger.kill('SIGKILL');
  }
});

it('stores what a run wrote before everything of it was killed while no host was there', async () => {
  const run = useRun(printer(0).rawConfig);
  await killAfter(run, run.host('execute'), 2);
  await eventually(
    'it writes what nobody reads',
    () => readFileSync(join(bench.runsDirectory, run.runId, 'stdout')).length > run.text('stdout').length,
  );
  const { pid, processGroupId } = run.handle();
  process.kill(-(processGroupId ?? pid), 'SIGKILL');
  await eventually('the run is gone', () => !isAlive(pid));
  const written = readFileSync(join(bench.runsDirectory, run.runId, 'stdout'), 'utf8');
  await expect.poll(async () => (await run.probe()).state, { timeout: 20_000 }).toBe('ended');
  await ended(run.host('reattach'));
  expect(run.text('stdout')).toBe(written);
  expect(run.result()).toMatchObject({ status: 'failed', error: { code: 'process_lost' } });
});

it('ends what has left the group of a run whose command and capsule were killed while no host was there', async () => {
  const run = useRun({ ...fixtureConfig('stubborn-tree'), graceMs: 100 });
  await killAfter(run, run.host('execute'), 2);
  const [command = 0, ...others] = run.text('stdout').trim().split(' ').slice(1).map(Number);
  process.kill(run.handle().pid, 'SIGKILL');
  process.kill(command, 'SIGKILL');
  await eventually('both are gone', () => !isAlive(command) && !isAlive(run.handle().pid));
  await ended(run.host('reattach'));
  expect(run.result()).toMatchObject({ status: 'failed', error: { code: 'process_lost' } });
  expect(others.map(isAlive)).toEqual(others.map(() => false));
});

it('asks again instead of giving up a run of another machine', async () => {
  const run = useRun(printer(0).rawConfig);
  await killAfter(run, run.host('execute'), 2);
  const elsewhere = { ...run.handle(), host: 'another-host', bootId: 'another-boot' };
  const outOfProcess = bench.local.outOfProcess;
  if (outOfProcess?.kind !== 'handle') return expect.fail();
  const target = { runId: run.runId, handle: elsewhere, config: localConfig.parse(fixtureConfig('numbered-lines')) };
  expect(await outOfProcess.probe({ ...target, signal: AbortSignal.timeout(20_000) })).toMatchObject({ state: 'unknown' });
  await expect(run.terminate(elsewhere)).rejects.toMatchObject({ code: 'local.other_machine' });
  const rebooted = { ...run.handle(), bootId: 'an-earlier-boot' };
  expect(await run.terminate(rebooted)).toEqual({ stopped: 'already_gone' });
  expect(await run.probe()).toEqual({ state: 'alive' });
  await run.terminate(run.handle());
});
