import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createRecordingContext } from '@runbeat/adapter-testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CatalogBench, createCatalogBench, foundAdapter } from './testing/catalog-bench.js';
import { writeFakeQwen } from './testing/fake-qwen.js';

// A package as its author published it, from the registry that npm is set up for, with nothing of ours in it.
const PACKAGE = '@superbiche/qwen-paperclip-adapter';

let bench: CatalogBench;
let environment: Record<string, string | undefined>;
beforeAll(async () => {
  bench = await createCatalogBench();
  const { binFolder } = await writeFakeQwen(bench.folder);
  // The module links skills into ~/.qwen; the test has a home of its own, and npm the user's settings all the same.
  environment = {
    ...process.env,
    HOME: join(bench.folder, 'user-home'),
    PATH: `${binFolder}:${process.env['PATH']}`,
    npm_config_userconfig: process.env['npm_config_userconfig'] ?? join(homedir(), '.npmrc'),
  };
});
afterAll(() => bench.close());

test('a published Paperclip package installs, runs, reports usage and session, resumes it, and is cancelled with its whole tree', async () => {
  const catalog = await bench.catalog({ environment });
  const added = await catalog.add({ spec: `${PACKAGE}@0.1.2`, allowScripts: false, override: false });
  expect(added).toMatchObject({
    type: 'qwen_local',
    state: 'ready',
    packageName: PACKAGE,
    version: '0.1.2',
    integrity: expect.stringMatching(/^sha512-/),
  });
  const adapter = foundAdapter(catalog, 'qwen_local');
  const config = { cwd: bench.folder, graceSec: 1 };

  const report = await catalog.test('qwen_local', { cwd: bench.folder, command: 'qwen' }, new AbortController().signal);
  expect(report.checks.find((check) => check.code === 'qwen_command_resolvable')).toMatchObject({ level: 'info' });

  const first = createRecordingContext({ config, input: { prompt: 'write a poem' } });
  const result = await first.execute(adapter);
  expect(result).toMatchObject({
    status: 'succeeded',
    usage: { inputTokens: 11, outputTokens: 7, cachedInputTokens: 3 },
    costUsd: 0.125,
    summary: expect.stringContaining('write a poem'),
    session: { sessionId: 'session-1', params: { sessionId: 'session-1', cwd: bench.folder } },
  });
  expect(first.violations).toEqual([]);
  expect(first.handle).toMatchObject({ kind: 'process', processGroupId: expect.any(Number), startTicks: expect.any(String) });
  expect(first.output('stdout')).toContain(`"runId":"${first.runId}"`);

  const second = createRecordingContext({ config, input: { prompt: 'and another' }, previousSession: result.session ?? null });
  expect(await second.execute(adapter)).toMatchObject({ status: 'succeeded', session: { sessionId: 'session-1' } });
  expect(second.output('stdout')).toContain('"--resume","session-1"');

  const third = createRecordingContext({ config, input: { prompt: 'work for ever' } });
  const running = third.execute(adapter);
  await third.waitUntil('the descendant works', () => /descendant (\d+)/.test(third.output()));
  const descendant = Number(/descendant (\d+)/.exec(third.output())?.[1]);
  const child = third.handle?.kind === 'process' ? third.handle.pid : 0;
  expect([isAlive(child), isAlive(descendant)]).toEqual([true, true]);
  third.abort({ kind: 'cancelled' });
  expect(await running).toMatchObject({ status: 'cancelled', forced: true });
  expect([isAlive(child), isAlive(descendant)]).toEqual([false, false]);
  expect(third.violations).toEqual([]);
  await catalog.remove('qwen_local', { isForced: false });
});

/** A zombie is dead: nobody has taken note of its end yet. */
function isAlive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
