import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ProcessHandleV1, SessionOutputV1 } from '@runbeat/adapter-sdk';
import { expect, it } from 'vitest';
import { eventually, fixture, useBench } from './bench.js';
import { acpAgent, type EarlierTalk, talker, useTalks } from './session-bench.js';

const bench = useBench();
const talks = useTalks(bench);

interface Stored {
  readonly handle?: ProcessHandleV1;
  readonly output?: SessionOutputV1;
  readonly cursor?: string;
  readonly writing?: string;
  readonly written?: string;
}

/** Lets a host of its own talk until `isEnough`, then kills it with SIGKILL. */
async function killedHost(
  rawConfig: object,
  prompts: readonly (readonly [string, string])[],
  isEnough: (stored: readonly Stored[]) => boolean,
) {
  const storePath = join(bench.folder, 'store');
  writeFileSync(storePath, '');
  const stored = (): Stored[] =>
    readFileSync(storePath, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Stored);
  const workerId = 'worker-of-the-killed-host';
  const taskFile = join(bench.folder, 'task');
  const task = { runsDirectory: bench.runsDirectory, storePath, workerId, rawConfig, prompts };
  writeFileSync(taskFile, JSON.stringify(task));
  const host = spawn(process.execPath, [fixture('session-host'), taskFile], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await eventually('the host has stored enough', () => isEnough(stored()));
  host.kill('SIGKILL');
  await once(host, 'exit');
  const records = stored();
  const earlier: EarlierTalk = {
    workerId,
    handle: records.find(({ handle }) => handle)?.handle ?? expect.fail('no handle'),
    cursor: records.reduce<string | null>((last, { cursor }) => cursor ?? last, null),
  };
  return { earlier, outputs: records.flatMap(({ output }) => output ?? []) };
}

it('server SIGKILL in mid-turn: the turn goes on, and every update is heard once', async () => {
  const { earlier, outputs } = await killedHost(
    talker(),
    [['p', 'flood 30000']],
    (stored) => stored.filter(({ output }) => output?.kind === 'update').length > 200,
  );
  const talk = (await talks.reattach(talker(), { ...earlier, promptsInFlight: ['p'] })) ?? expect.fail();
  expect(await talk.settlement('p')).toEqual({ kind: 'completed', promptId: 'p', result: { lines: 30_000 } });
  const heard = [...outputs, ...talk.outputs].flatMap((output) =>
    output.kind === 'update' ? [(output.update as { params: { line: number } }).params.line] : [],
  );
  expect(heard).toEqual(Array.from({ length: 30_000 }, (_, index) => index + 1));
});

it('server SIGKILL in mid-turn of an ACP agent: cancel reaches the turn of the earlier host', async () => {
  const { earlier } = await killedHost(acpAgent(), [['p', 'hang']], (stored) =>
    stored.some(({ output }) => output?.kind === 'update'),
  );
  const talk = (await talks.reattach(acpAgent(), { ...earlier, promptsInFlight: ['p'] })) ?? expect.fail();
  expect(talk.worker.resumeState).toEqual({ acpSessionId: expect.stringMatching(/^fixture-/) });
  expect(await talk.worker.cancel('p')).toEqual({ written: true });
  expect(await talk.settlement('p')).toEqual({ kind: 'cancelled', promptId: 'p' });
  await talk.worker.prompt('q', 'echo on');
  expect((await talk.settlement('q')).kind).toBe('completed');
});

it('server SIGKILL in the middle of a write of 1 MiB: what was cut off spoils no later message', async () => {
  // The agent stops reading, so that the big prompt stays stuck in the full pipe until its host dies.
  const paused = { ...talker(), command: process.execPath, args: [fixture('reads-later'), join(bench.folder, 'read-now')] };
  const { earlier } = await killedHost(
    paused,
    [
      ['first', 'echo 1'],
      ['big', `echo ${'x'.repeat(1_048_576)}`],
    ],
    (stored) => stored.some(({ writing }) => writing === 'big'),
  );
  const talk = (await talks.reattach(paused, { ...earlier, promptsInFlight: ['first', 'big'] })) ?? expect.fail();
  const write = talk.worker.prompt('after', 'echo 2');
  writeFileSync(join(bench.folder, 'read-now'), '');
  expect(await write).toEqual({ written: true });
  expect(await talk.settlement('first')).toMatchObject({ result: 'echo 1' });
  expect(await talk.settlement('after')).toMatchObject({ result: 'echo 2' });
  expect(talk.outputs.find(({ kind }) => kind === 'update')).toMatchObject({ update: { method: 'unreadable' } });
});
