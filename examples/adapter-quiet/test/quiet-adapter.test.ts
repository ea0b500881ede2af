import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adapterConformance, commandScripts, createRecordingContext } from '@runbeat/adapter-testkit';
import { afterAll, describe, expect, it, test } from 'vitest';
import type { Config } from '../src/config.js';
import adapter from '../src/index.js';

afterAll(() => {
  for (const name of readdirSync(tmpdir())) {
    if (name.startsWith(`runbeat-quiet-run-${process.pid}-`)) rmSync(join(tmpdir(), name), { recursive: true });
  }
});

describe('adapter-quiet keeps the contract', () => {
  adapterConformance({
    test,
    createAdapter: () => adapter,
    scripts: commandScripts((command, args) => ({ command, args, aliveEveryMs: 100, graceMs: 500 })),
  });
});

describe('adapter-quiet', () => {
  const configFor = (program: string): Config => ({
    command: process.execPath,
    args: ['-e', program],
    env: {},
    aliveEveryMs: 50,
    graceMs: 500,
  });

  it('shows life again and again while its program says nothing', async () => {
    const recording = createRecordingContext({ config: configFor('setTimeout(() => {}, 60_000)') });
    const running = recording.execute(adapter);
    const signs = () => recording.calls.filter(({ kind }) => kind === 'alive').length;
    await recording.waitUntil('three signs of life', () => signs() >= 3);
    expect(recording.output()).toBe('');
    recording.abort({ kind: 'cancelled' });
    expect(await running).toEqual({ status: 'cancelled', forced: false });
  });

  it('hands on the last words of a program that ends, and how it ended', async () => {
    const recording = createRecordingContext({
      config: configFor(`process.stdout.write('last words €'); process.kill(process.pid, 'SIGKILL')`),
    });
    expect(await recording.execute(adapter)).toMatchObject({
      status: 'failed',
      error: { code: 'killed_by_signal', signal: 'SIGKILL' },
    });
    expect(recording.output()).toBe('last words €');
  });
});
