import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineAdapter } from '@runbeat/adapter-sdk';
import { createRunner } from '@runbeat/runner';
import { expect, test } from 'vitest';
import { startLightServer, textOf } from './harness/light-server.js';

test('flow', async () => {
  const home = await mkdtemp(join(tmpdir(), 'runner-'));
  const server = await startLightServer();
  const adapter = defineAdapter({
    specVersion: 'adapter-v1',
    type: 'scripted',
    configSchema: { '~standard': { version: 1, vendor: 'x', validate: (value: unknown) => ({ value: value as { text: string } }) } },
    hasOutOfProcessLiveness: false,
    async execute(context) {
      for (let n = 0; n < 10; n += 1) await context.onLog('stdout', `${context.config.text} ${n}\n`);
      return { status: 'succeeded', summary: 'ok' };
    },
  });
  const logger = { debug() {}, info: (f: object, m: string) => console.log(m, JSON.stringify(f)), warn: (f: object, m: string) => console.log('W', m, f), error: (f: object, m: string) => console.log('E', m, f) };
  const runner = createRunner({ serverUrl: server.url, home, adapters: [adapter], labels: ['test'], logger });
  await runner.start();
  const run = server.startRun({ text: 'hello' });
  const result = await run.ended;
  expect(result).toMatchObject({ status: 'succeeded', summary: 'ok' });
  expect(textOf(run)).toBe(Array.from({ length: 10 }, (_, n) => `hello ${n}\n`).join(''));
  console.log(JSON.stringify(runner.health(), null, 1));
  await runner.stop();
  await server.close();
  await rm(home, { recursive: true });
});
