import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runbeatCommand } from './harness/test-server.js';

/** The built command in a place where none of the packages can be found that it depends on. */
let alone: string;

beforeAll(async () => {
  alone = await mkdtemp(join(tmpdir(), 'runbeat-alone-'));
  const source = dirname(dirname(runbeatCommand));
  for (const part of ['bin', 'dist', 'package.json']) await cp(join(source, part), join(alone, part), { recursive: true });
});

afterAll(() => rm(alone, { recursive: true, force: true }));

const run = (...args: string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    execFile(process.execPath, [join(alone, 'bin', 'runbeat.js'), ...args], (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });

describe('a command', () => {
  it.each([
    { args: ['--help'] },
    { args: ['--version'] },
    { args: ['runs', 'list', '--help'] },
    { args: ['completion', 'bash'] },
  ])('loads no package for $args', async ({ args }) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).not.toBe('');
  });

  it.each([
    { args: ['runs', 'list'], missing: '@runbeat/server' },
    { args: ['runs', 'list', '--server', 'http://127.0.0.1:9'], missing: '@runbeat/client' },
    { args: ['serve'], missing: '@runbeat/server' },
    { args: ['runner', '--server', 'http://127.0.0.1:9'], missing: '@runbeat/' },
  ])('names the package that it cannot load: $args', async ({ args, missing }) => {
    const { code, stderr } = await run(...args);
    expect(code).toBe(1);
    expect(stderr).toContain(`Cannot find package '${missing}`);
    expect(stderr).toContain('[internal_error]');
  });
});
