import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { tarAdapterPackage } from '../../packages/server/src/adapters/testing/adapter-package.js';
import { type PackageRegistry, startPackageRegistry } from '../../packages/server/src/adapters/testing/package-registry.js';
import { endProcessesOf, waitUntil } from '../harness/processes.js';
import { type CommandRunner, createCommandRunner } from './harness/command-runner.js';
import { createServeProcess, isOver, type ServedRun, type ServeProcess } from './harness/serve-process.js';

// Each install is an npm and a command that load themselves first; on a loaded machine that is seconds.
vi.setConfig({ testTimeout: 180_000 });

let folder: string;
let server: ServeProcess;
let registry: PackageRegistry;
let runner: CommandRunner;
let label = '';
let count = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbeat-e2e-adapters-'));
  server = await createServeProcess(join(folder, 'server'));
  await server.start();
  registry = await startPackageRegistry(folder);
});
afterAll(async () => {
  await server?.end('SIGTERM');
  await registry?.close();
  await endProcessesOf(folder);
  await rm(folder, { recursive: true, force: true });
});
beforeEach(() => {
  count += 1;
  label = `adapters-${count}`;
  runner = createCommandRunner({
    serverUrl: server.url,
    home: join(folder, `runner-${count}`),
    label,
    environment: {
      npm_config_registry: registry.url,
      npm_config_cache: join(folder, 'npm-cache'),
      npm_config_fetch_retries: '0',
      RUNNER_SECRET: 'do not show',
      NAMED: 'shown',
    },
  });
});
afterEach(async () => {
  await runner.end('SIGKILL');
});

/** An adapter that tells its version, its environment, and works until a file is there. */
const code = (type: string, version: string): string => `
import { existsSync } from 'node:fs';
export default {
  specVersion: 'adapter-v1',
  type: '${type}',
  hasOutOfProcessLiveness: false,
  configSchema: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  async execute(context) {
    await context.onLog('stdout', 'begun by ${version} ' + process.env.NAMED + ' ' + process.env.RUNNER_SECRET + '\\n');
    while (context.config.until && !existsSync(context.config.until) && !context.signal.aborted)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await context.onLog('stdout', 'ended by ${version}\\n');
    return { status: 'succeeded' };
  },
};
`;

async function tarball(name: string, type: string, version = '1.0.0', text = code(type, version)): Promise<string> {
  const path = join(folder, `${name}-${version}.tgz`);
  await writeFile(path, await tarAdapterPackage(folder, { name, version, code: text }));
  return path;
}

async function startRun(adapterType: string, config: Record<string, unknown> = {}): Promise<string> {
  const { items } = await server.api<{ items: { id: string }[] }>('GET', '/api/companies');
  const agent = await server.api<{ id: string }>('POST', `/api/companies/${items[0]?.id}/agents`, {
    name: `${adapterType} on ${label}`,
    adapterType,
    adapterConfig: config,
    runtimeConfig: { placement: { runnerLabel: label } },
  });
  const woken = await server.api<{ run: { id: string } }>('POST', `/api/agents/${agent.id}/wakeup`, { source: 'on_demand' });
  return woken.run.id;
}

const ended = (run: string): Promise<ServedRun> => server.whenRun(run, isOver, 60_000);
const output = (run: string): Promise<string> => server.stdout(run);
async function outputBegins(run: string): Promise<void> {
  await waitUntil(
    async () => (await output(run)).includes('begun'),
    30_000,
    () => `output of run ${run}`,
  );
}
const states = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await runner.list()).map((item) => [item.type, `${item.version} ${item.state}`]));
async function untilStates(wanted: Record<string, string>): Promise<void> {
  let seen = {};
  await waitUntil(
    async () => {
      seen = await states();
      return JSON.stringify(seen) === JSON.stringify(wanted);
    },
    60_000,
    () => `${JSON.stringify(wanted)}; it is ${JSON.stringify(seen)}; ${runner.output()}`,
  );
}
const versionsOf = (name: string): Promise<string[]> => readdir(join(runner.home, 'adapters', name)).catch(() => []);

test('a run that waits for an adapter starts as soon as it is installed, beside work that goes on, and after a restart it is there again', async () => {
  await runner.start();
  const working = await startRun('local', { command: 'sleep', args: ['600'] });
  await server.whenRun(working, (run) => run.status === 'running' && run.phase === 'attached');
  const waiting = await startRun('hello');
  expect((await server.whenRun(waiting, () => true)).status).toBe('queued');
  const why = await server.api('GET', `/api/heartbeat-runs/${waiting}/why`);
  expect(JSON.stringify(why)).toContain('has no adapter hello');
  const connected = (await runner.health()).client?.streamConnectedSince;

  const installed = await runner.adapters('install', await tarball('adapter-hello', 'hello'), '--env', 'NAMED');
  expect(installed).toMatchObject({ code: 0, stdout: 'Installed hello (adapter-hello@1.0.0)\n' });
  expect(await ended(waiting)).toMatchObject({ status: 'succeeded' });
  expect(await output(waiting)).toBe('begun by 1.0.0 shown undefined\nended by 1.0.0\n');
  expect((await runner.health()).runner.adapters).toContainEqual({ type: 'hello', version: '1.0.0', interactive: null });
  // Told by a heartbeat of the session that there was: nothing was connected anew for it, and nothing disturbed.
  expect((await runner.health()).client).toMatchObject({ streamConnectedSince: connected, reconnectCount: 0 });
  expect((await server.whenRun(working, () => true)).status).toBe('running');

  await runner.end('SIGKILL');
  await runner.start();
  const again = await startRun('hello');
  expect(await ended(again)).toMatchObject({ status: 'succeeded' });
  await server.api('POST', `/api/heartbeat-runs/${working}/cancel`, {});
  expect(await ended(working)).toMatchObject({ status: 'cancelled' });
});

test('another version takes new runs, the one at work ends with its own, whose folder then goes', async () => {
  await registry.publish({ name: 'adapter-changing', version: '1.0.0', code: code('changing', '1.0.0') });
  await runner.start(['--adapter', 'adapter-changing']);
  const until = join(folder, 'until-changing');
  const old = await startRun('changing', { until });
  await outputBegins(old);
  await registry.publish({ name: 'adapter-changing', version: '1.1.0', code: code('changing', '1.1.0') });
  expect((await runner.adapters('install', 'adapter-changing')).code).toBe(0);
  await untilStates({ changing: '1.1.0 ready' });
  const next = await startRun('changing');
  expect(await ended(next)).toMatchObject({ status: 'succeeded' });
  expect(await output(next)).toContain('ended by 1.1.0');
  expect(await versionsOf('adapter-changing')).toEqual(['1.0.0', '1.1.0']);
  await writeFile(until, '');
  expect(await ended(old)).toMatchObject({ status: 'succeeded' });
  expect(await output(old)).toBe('begun by 1.0.0 undefined undefined\nended by 1.0.0\n');
  await waitUntil(
    async () => (await versionsOf('adapter-changing')).length === 1,
    60_000,
    () => 'the old version to go',
  );
  expect(await versionsOf('adapter-changing')).toEqual(['1.1.0']);
});

test('one that is removed takes no new runs, lets its job end and goes; its siblings stay', async () => {
  await runner.adapters('install', await tarball('adapter-staying', 'staying'), await tarball('adapter-going', 'going'));
  await runner.start();
  const until = join(folder, 'until-going');
  const job = await startRun('going', { until });
  await outputBegins(job);
  const removed = await runner.adapters('remove', 'going', '--json');
  expect(JSON.parse(removed.stdout)).toEqual({ type: 'going', state: 'leaving' });
  await waitUntil(
    async () => !(await runner.health()).runner.adapters.some(({ type }) => type === 'going'),
    30_000,
    () => 'the runner to stop offering it',
  );
  const late = await startRun('going');
  expect(await states()).toEqual({ going: '1.0.0 leaving', staying: '1.0.0 ready' });
  await writeFile(until, '');
  expect(await ended(job)).toMatchObject({ status: 'succeeded' });
  await untilStates({ staying: '1.0.0 ready' });
  await waitUntil(
    async () => (await versionsOf('adapter-going')).length === 0,
    30_000,
    () => 'its folder to go',
  );
  expect(await ended(await startRun('staying'))).toMatchObject({ status: 'succeeded' });
  expect((await server.whenRun(late, () => true)).status).toBe('queued');
  await runner.adapters('install', await tarball('adapter-going', 'going'));
  expect(await ended(late)).toMatchObject({ status: 'succeeded' });
});

test('one that cannot be loaded stops nothing: it is told in health, list and log on both sides, and mended by installing', async () => {
  await runner.adapters('install', await tarball('adapter-sound', 'sound'), await tarball('adapter-broken', 'broken'));
  const [version = ''] = await versionsOf('adapter-broken');
  const entry = join(runner.home, 'adapters', 'adapter-broken', version, 'node_modules', 'adapter-broken', 'index.js');
  await writeFile(entry, 'throw new Error("a broken disk");');
  await runner.start();
  expect(await ended(await startRun('sound'))).toMatchObject({ status: 'succeeded' });
  const { health } = await runner.health();
  expect(health).toMatchObject({
    status: 'degraded',
    issues: [
      {
        code: 'adapter_unusable',
        message: expect.stringMatching(/adapter-broken@1\.0\.0.*a broken disk.*runbeat runner adapters install/s),
      },
    ],
  });
  expect(await runner.list()).toMatchObject([
    { type: 'broken', state: 'error', lastError: { code: 'adapter_package_invalid' } },
    { type: 'sound', state: 'ready', lastError: null },
  ]);
  expect(runner.output()).toContain('an installed adapter cannot be used');
  const { items } = await server.api<{ items: { runner: { labels: string[] }; health: object }[] }>('GET', '/api/runners');
  expect(items.find((one) => one.runner.labels.includes(label))?.health).toMatchObject({
    issues: [{ code: 'adapter_unusable', message: expect.stringContaining('a broken disk') }],
  });
  const waiting = await startRun('broken');
  expect((await runner.adapters('install', await tarball('adapter-broken', 'broken', '1.0.1'))).code).toBe(0);
  expect(await ended(waiting)).toMatchObject({ status: 'succeeded' });
  expect((await runner.health()).health).toEqual({ status: 'healthy', issues: [] });
});

test('an install that is killed half-way leaves the others as they were, and the next one clears what it left', async () => {
  await registry.publish({ name: 'adapter-stalled', code: code('stalled', '1.0.0') });
  await runner.adapters('install', await tarball('adapter-whole', 'whole'));
  await runner.start();
  const list = await readFile(join(runner.home, 'adapters', 'installed.json'), 'utf8');
  const asked = registry.stall('adapter-stalled');
  const install = runner.startAdapters('install', 'adapter-stalled');
  await asked;
  install.child.kill('SIGKILL');
  await install.ended;
  expect(await readFile(join(runner.home, 'adapters', 'installed.json'), 'utf8')).toBe(list);
  expect(await states()).toEqual({ whole: '1.0.0 ready' });
  expect(await ended(await startRun('whole'))).toMatchObject({ status: 'succeeded' });
  const askedAgain = registry.stall('adapter-stalled');
  const interrupted = runner.startAdapters('install', 'adapter-stalled');
  await askedAgain;
  interrupted.child.kill('SIGINT');
  expect(await interrupted.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('given up') });
  expect((await runner.adapters('install', await tarball('adapter-next', 'next'))).code).toBe(0);
  await untilStates({ next: '1.0.0 ready', whole: '1.0.0 ready' });
  expect(await versionsOf('adapter-stalled')).toEqual([]);
});

test('installs at once corrupt nothing: each is there afterwards, and of two that want one type one is told who has it', async () => {
  await runner.start();
  const specs = await Promise.all(['one', 'two', 'three'].map((type) => tarball(`adapter-${type}`, type)));
  const rivals = await Promise.all(['left', 'right'].map((name) => tarball(`adapter-${name}`, 'same')));
  const answers = await Promise.all([...specs, ...rivals].map((spec) => runner.adapters('install', spec)));
  expect(answers.slice(0, 3).map(({ code: exit }) => exit)).toEqual([0, 0, 0]);
  expect(
    answers
      .slice(3)
      .map(({ code: exit }) => exit)
      .sort(),
  ).toEqual([0, 1]);
  expect(answers.slice(3).find(({ code: exit }) => exit === 1)?.stderr).toMatch(
    /adapter-(left|right).*\[runner_adapter_type_taken\]/,
  );
  const has = (await runner.list()).map(({ type }) => type).sort();
  expect(has).toEqual(['one', 'same', 'three', 'two']);
  for (const type of has) expect(await ended(await startRun(type))).toMatchObject({ status: 'succeeded' });
});

test('what cannot be installed is refused with a code and a reason, and nothing is left of it', async () => {
  const refused = async (spec: string, code_: string): Promise<void> => {
    const answer = await runner.adapters('install', spec);
    expect(answer).toMatchObject({ code: 1, stdout: '' });
    expect(answer.stderr).toContain(`[${code_}]`);
  };
  await refused('https://example.com/foo.tgz', 'adapter_spec_invalid');
  await refused('@acme/nothing', 'adapter_install_failed');
  await refused(await tarball('adapter-empty', 'x', '1.0.0', 'export const nothing = 1;'), 'adapter_package_invalid');
  await refused(await tarball('adapter-as-local', 'local'), 'runner_adapter_type_taken');
  expect(await runner.list()).toEqual([]);
  expect((await readdir(join(runner.home, 'adapters'))).filter((name) => !name.startsWith('.'))).toEqual([]);
  const start = runner.start(['--adapter', '@acme/nothing']);
  await expect(start).rejects.toThrow(/adapter_install_failed/);
});
