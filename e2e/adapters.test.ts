import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFakeQwen } from '../packages/server/src/adapters/testing/fake-qwen.js';
import { isAlive, waitUntil } from './harness/processes.js';
import { runCommand } from './harness/run-command.js';
import {
  createTestHome,
  readLog,
  startTestServer,
  type TestServer,
  textOf,
  untilEnded,
  untilRun,
} from './harness/test-server.js';

/** A package as an author would publish it: plain JavaScript, no dependency, packed by npm. */
async function packAdapter(
  folder: string,
  options: {
    readonly name: string;
    readonly type: string;
    readonly version?: string;
    readonly body?: string;
    readonly specVersion?: string;
  },
): Promise<string> {
  const place = join(folder, `${options.name}-${options.version ?? '1.0.0'}`);
  await mkdir(place, { recursive: true });
  await writeFile(
    join(place, 'package.json'),
    JSON.stringify({ name: options.name, version: options.version ?? '1.0.0', type: 'module', exports: './index.js' }),
  );
  await writeFile(
    join(place, 'index.js'),
    `export default {
  specVersion: '${options.specVersion ?? 'adapter-v1'}',
  type: '${options.type}',
  hasOutOfProcessLiveness: false,
  configSchema: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  async execute(context) {
    ${options.body ?? "await context.onLog('stdout', 'by ' + context.agent.name + '\\n'); return { status: 'succeeded' };"}
  },
};
`,
  );
  const packed = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd: place, encoding: 'utf8' });
  const answer: unknown = JSON.parse(packed.stdout);
  const [{ filename }] = (Array.isArray(answer) ? answer : Object.values(answer as object)) as [{ filename: string }];
  return join(folder, filename);
}

const add = (server: TestServer, source: string) => runCommand(['adapters', 'add', source, '--json'], { home: server.home });

async function runOf(server: TestServer, adapterType: string, adapterConfig: Record<string, unknown> = {}) {
  const agent = await server.client.agents.create(server.companyId, {
    name: `of-${adapterType}`,
    adapterType,
    adapterConfig: adapterConfig as never,
  });
  return { agent, run: await server.wake(agent.id) };
}

describe('adapters as packages', () => {
  it('C19 are installed beside each other, and one that is removed leaves the others untouched', async () => {
    const folder = await createTestHome();
    const server = await startTestServer();
    for (const type of ['first', 'second'])
      expect((await add(server, await packAdapter(folder, { name: `runbeat-${type}`, type }))).code).toBe(0);
    const taken = await add(server, await packAdapter(folder, { name: 'runbeat-other', type: 'first' }));
    expect(taken).toMatchObject({ code: 2 });
    expect(taken.stderr).toContain('runbeat-first');
    expect((await runCommand(['adapters', 'remove', 'first'], { home: server.home })).code).toBe(0);
    const { run } = await runOf(server, 'second');
    expect(await untilEnded(server.client, run.id)).toMatchObject({ status: 'succeeded' });
    expect(textOf(await readLog(server.client, run.id))).toBe('by of-second\n');
    await server.terminate();
    const next = await server.restart();
    expect((await next.client.adapters.list()).items.find(({ type }) => type === 'second')).toMatchObject({
      state: 'ready',
      version: '1.0.0',
    });
  });

  it('C18 that are missing make their runs wait, say so, and are never replaced by another', async () => {
    const folder = await createTestHome();
    const server = await startTestServer();
    const tarball = await packAdapter(folder, { name: 'runbeat-comes-and-goes', type: 'comes_and_goes' });
    await add(server, tarball);
    const { agent } = await runOf(server, 'comes_and_goes').then(async (made) => {
      await untilEnded(server.client, made.run.id);
      return made;
    });
    await runCommand(['adapters', 'remove', 'comes_and_goes'], { home: server.home });
    const waiting = await server.wake(agent.id);
    expect((await server.client.agents.get(agent.id)).adapterState).toBe('missing');
    expect((await server.client.runs.get(waiting.id)).status).toBe('queued');
    expect(JSON.stringify((await server.client.runs.why(waiting.id)).explanations)).toContain('comes_and_goes');
    await add(server, tarball);
    expect(await untilEnded(server.client, waiting.id)).toMatchObject({ status: 'succeeded' });
  });

  it('C6 that throw late, end the process or loop for ever end alone: their run is adapter_crashed, the server and others go on', async () => {
    const folder = await createTestHome();
    const server = await startTestServer();
    const bodies = {
      throws_late: "setTimeout(() => { throw new Error('late'); }, 10); await new Promise(() => {});",
      exits: 'process.exit(3);',
      loops: 'for (;;) {}',
    };
    const healthy = await server.wake(await server.agent('silent.mjs', ['600000']));
    for (const [type, body] of Object.entries(bodies))
      await add(server, await packAdapter(folder, { name: `runbeat-${type.replace('_', '-')}`, type, body }));
    const runs = await Promise.all(Object.keys(bodies).map(async (type) => (await runOf(server, type)).run));
    for (const run of runs)
      expect(await untilEnded(server.client, run.id)).toMatchObject({ status: 'failed', errorCode: 'adapter_crashed' });
    expect((await server.client.runs.get(healthy.id)).status).toBe('running');
    await server.client.runs.cancel(healthy.id);
    await untilEnded(server.client, healthy.id);
  });

  it('are refused with every reason when they are none, and change nothing', async () => {
    const folder = await createTestHome();
    const server = await startTestServer();
    const before = (await server.client.adapters.list()).items.map(({ type }) => type);
    const wrongVersion = await add(
      server,
      await packAdapter(folder, { name: 'runbeat-future', type: 'future', specVersion: 'adapter-v9' }),
    );
    expect(wrongVersion.stderr).toContain('adapter_incompatible');
    expect(wrongVersion.stderr).toContain('adapter-v1');
    const empty = join(folder, 'empty');
    await mkdir(empty);
    await writeFile(join(empty, 'package.json'), '{"name":"empty","version":"1.0.0","main":"index.js"}');
    await writeFile(join(empty, 'index.js'), '');
    expect((await add(server, empty)).code).toBe(2);
    expect((await add(server, join(folder, 'nowhere'))).code).toBe(2);
    expect((await runCommand(['adapters', 'check', empty], { home: server.home })).code).not.toBe(0);
    expect((await server.client.adapters.list()).items.map(({ type }) => type)).toEqual(before);
  });

  it('lifts a published Paperclip package: it runs, reports usage, resumes its session, and is cancelled with its whole tree', async () => {
    const home = await createTestHome();
    const { binFolder } = await writeFakeQwen(home);
    const server = await startTestServer({
      home,
      environment: {
        HOME: join(home, 'user-home'),
        PATH: `${binFolder}:${process.env['PATH']}`,
        npm_config_userconfig: process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'),
      },
    });
    expect(await add(server, '@superbiche/qwen-paperclip-adapter@0.1.2')).toMatchObject({ code: 0 });
    const agent = await server.client.agents.create(server.companyId, {
      name: 'qwen',
      adapterType: 'qwen_local',
      adapterConfig: { cwd: home, graceSec: 1 },
    });
    const wake = (prompt: string) => server.wake(agent.id, { source: 'on_demand', prompt, taskKey: 'poem' });
    const first = await untilEnded(server.client, (await wake('write a poem')).id);
    expect(first).toMatchObject({
      status: 'succeeded',
      usage: { inputTokens: 11, outputTokens: 7, cachedInputTokens: 3 },
      costUsd: 0.125,
    });
    const second = await wake('and another');
    expect(await untilEnded(server.client, second.id)).toMatchObject({ status: 'succeeded' });
    expect(textOf(await readLog(server.client, second.id))).toContain('"--resume","session-1"');
    const third = await wake('work for ever');
    await waitUntil(
      async () => /descendant (\d+)/.test(textOf(await readLog(server.client, third.id))),
      30_000,
      () => 'the descendant to work',
    );
    const descendant = Number(/descendant (\d+)/.exec(textOf(await readLog(server.client, third.id)))?.[1]);
    const { processPid } = await untilRun(server.client, third.id, (run) => run.processPid !== null);
    await server.client.runs.cancel(third.id);
    expect(await untilEnded(server.client, third.id)).toMatchObject({ status: 'cancelled' });
    expect([isAlive(processPid ?? 0), isAlive(descendant)]).toEqual([false, false]);
  });
});
