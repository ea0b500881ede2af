import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunResultV1 } from '@runbeat/adapter-sdk';
import { tenMebibytes } from '@runbeat/adapter-testkit';
import { describe, expect, it } from 'vitest';
import { eventually, fixtureConfig, isAlive, useBench } from './bench.js';

const bench = useBench();
const shell = (line: string, more: object = {}) => ({ command: 'sh', args: ['-c', line], ...more });

function failureOf(result: RunResultV1) {
  expect(result.status).toBe('failed');
  return result.status === 'failed' ? result.error : expect.fail();
}

describe.each(['local', 'local-attached'] as const)('%s', (type) => {
  it('hands on both streams and succeeds with exit code 0', async () => {
    const { recording, result } = bench.start(type, shell('echo out; echo err >&2'));
    expect(await result).toEqual({ status: 'succeeded' });
    expect([recording.output('stdout'), recording.output('stderr')]).toEqual(['out\n', 'err\n']);
    expect(recording.violations).toEqual([]);
  });

  it.each([1, 3, 126, 127, 137, 255])('tells exit code %i from a signal and from a failed start', async (code) => {
    const error = failureOf(await bench.start(type, shell(`exit ${code}`)).result);
    expect([error.code, error.exitCode, error.signal]).toEqual(['exit_nonzero', code, undefined]);
  });

  it.each(['KILL', 'TERM', 'INT', 'SEGV'])('names the signal SIG%s that ended the command', async (signal) => {
    const error = failureOf(await bench.start(type, shell(`kill -${signal} $$`)).result);
    expect([error.code, error.signal]).toEqual(['killed_by_signal', `SIG${signal}`]);
  });

  it('gives the command default signal dispositions', async () => {
    const { recording, result } = bench.start(type, { ...fixtureConfig('traps-signals'), signal: 'SIGINT' });
    await recording.waitUntil('ready', () => recording.output() === 'ready\n');
    recording.abort({ kind: 'cancelled' });
    expect(await result).toEqual({ status: 'cancelled', forced: false });
    // SIGINT would be ignored by a job that a shell runs in the background.
    const ignored = bench.start(type, shell('grep SigIgn /proc/self/status || echo "SigIgn: 0000000000000000"'));
    await ignored.result;
    expect(ignored.recording.output()).toMatch(/^SigIgn:\s0+\n$/);
  });

  it.each([
    ['a command that does not exist', { command: 'runbeat-no-such-command' }, /not found on PATH.*Install it/],
    ['a path that does not exist', { command: './nothing' }, /does not exist.*relative ones start at cwd/],
    ['a file that cannot be executed', { command: '/etc/passwd' }, /not an executable file.*chmod \+x/],
    ['a directory as command', { command: '/tmp' }, /not an executable file/],
    ['a working directory that does not exist', { command: 'true', cwd: '/runbeat/nowhere' }, /does not exist.*correct cwd/],
    ['a file as working directory', { command: 'true', cwd: '/etc/passwd' }, /is not a directory/],
  ])('answers %s with start_failed and a remedy', async (_what, rawConfig, message) => {
    const { recording, result } = bench.start(type, rawConfig);
    const error = failureOf(await result);
    expect([error.code, error.retryable]).toEqual(['start_failed', false]);
    expect(error.message).toMatch(message);
    expect(recording.handle).toBeNull();
  });

  it('answers a working directory that may not be entered with start_failed', async (test) => {
    if (process.getuid?.() === 0) return test.skip();
    const cwd = join(bench.folder, 'closed');
    mkdirSync(cwd, { mode: 0o000 });
    const error = failureOf(await bench.start(type, { command: 'true', cwd }).result);
    chmodSync(cwd, 0o700);
    expect(error.code).toBe('start_failed');
    expect(error.message).toMatch(/cannot be used \(EACCES\)/);
  });

  it('answers a script whose interpreter is missing with a failure, not with silence', async () => {
    const script = join(bench.folder, 'script');
    writeFileSync(script, '#!/runbeat/no-interpreter\n', { mode: 0o755 });
    const error = failureOf(await bench.start(type, { command: script }).result);
    expect(error.code).toBe('start_failed');
    expect(error.message).toContain('names the interpreter /runbeat/no-interpreter, which does not exist');
  });

  it('feeds the prompt to stdin, or what the template makes of the input', async () => {
    const plain = bench.start(type, { command: 'cat' }, { input: { prompt: 'hello {{reason}}' } });
    const filled = bench.start(
      type,
      { command: 'cat', stdin: '{{reason}}/{{payload.n}}/{{issue.title}}/{{prompt}}' },
      {
        input: { prompt: '{{runId}}', reason: 'because', payload: { n: [1] } },
      },
    );
    const empty = bench.start(type, { command: 'cat', stdin: '' }, { input: { prompt: 'unread' } });
    await Promise.all([plain.result, filled.result, empty.result]);
    expect(plain.recording.output()).toBe('hello {{reason}}');
    expect(filled.recording.output()).toBe('because/[1]//{{runId}}');
    expect(empty.recording.output()).toBe('');
  });

  it('C5 survives a child that exits without reading its prompt of 1 MiB', async () => {
    const { result } = bench.start(type, shell('exit 9'), { input: { prompt: 'x'.repeat(1_048_576) } });
    expect(failureOf(await result).exitCode).toBe(9);
  });

  it('C5 survives a child that closes its stdin and lives on', async () => {
    const run = bench.start(type, shell('exec 0<&-; sleep 0.2; echo done'), { input: { prompt: 'x'.repeat(1_048_576) } });
    expect(await run.result).toEqual({ status: 'succeeded' });
    expect(run.recording.output()).toBe('done\n');
  });

  it('C7 ends a tree that ignores SIGTERM, with a grandchild that left the group, before it settles', async () => {
    const { recording, result } = bench.start(type, { ...fixtureConfig('stubborn-tree'), graceMs: 300 });
    await recording.waitUntil('the pids', () => recording.output().includes('\n'));
    const pids = recording.output().trim().split(' ').slice(1).map(Number);
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    recording.abort({ kind: 'cancelled' });
    expect(await result).toEqual({ status: 'cancelled', forced: true });
    expect(pids.map(isAlive)).toEqual([false, false, false]);
  });

  it('C8 ends after a bounded drain when a grandchild holds the output, and says so', async () => {
    const { recording, result } = bench.start(type, fixtureConfig('leaves-grandchild'));
    expect(failureOf(await result).exitCode).toBe(4);
    const grandchild = Number(/grandchild (\d+)/.exec(recording.output())?.[1]);
    expect(recording.output()).toBe(`grandchild ${grandchild}\nlate\n`);
    expect(recording.output('system')).toMatch(/The command ended while/);
    expect(isAlive(grandchild)).toBe(false);
    expect(recording.calls.filter((call) => call.kind === 'event').map(({ event }) => event.type)).toEqual([
      'local.leftover_processes',
    ]);
  });

  it('C9 hands on characters whole, and what is no UTF-8 as U+FFFD', async () => {
    const { recording, result } = bench.start(type, fixtureConfig('splits-utf8'));
    await result;
    expect(recording.output()).toBe(`${'aé€😀'.repeat(4)}\ufffdz\ufffd`);
    expect(recording.violations).toEqual([]);
  });

  it('hands on 10 MiB of a command that writes faster than the host reads', async () => {
    const file = join(bench.folder, 'ten');
    writeFileSync(file, tenMebibytes());
    const { recording, result } = bench.start(type, { command: 'cat', args: [file] });
    expect(await result).toEqual({ status: 'succeeded' });
    expect(recording.output() === tenMebibytes()).toBe(true);
    expect(recording.violations).toEqual([]);
  });

  it('gives the command the config’s variables and the run’s own, and not the server’s', async () => {
    process.env['DATABASE_URL'] = 'postgres://secret';
    try {
      const { recording, result } = bench.start(type, { command: 'env', env: { NAMED: 'yes' } });
      await result;
      const lines = recording.output().split('\n');
      expect(lines).toContain('NAMED=yes');
      expect(lines).toContain(`RUNBEAT_RUN_ID=${recording.runId}`);
      expect(recording.output()).not.toContain('postgres://secret');
    } finally {
      delete process.env['DATABASE_URL'];
    }
  });

  it('never hands an argument to a shell', async () => {
    const { recording, result } = bench.start(type, { command: 'printf', args: ['%s\n', '$(id)', "'; exit 1 #", '-n'] });
    expect(await result).toEqual({ status: 'succeeded' });
    expect(recording.output()).toBe("$(id)\n'; exit 1 #\n-n\n");
  });

  it('rethrows what onLog rejects with', async () => {
    const run = bench.start(type, shell('echo x; sleep 0.1'), { onLog: () => Promise.reject(new RangeError('given up')) });
    await expect(run.result).rejects.toThrow('given up');
  });
});

describe('local', () => {
  it('answers arguments that are too large with a remedy', async () => {
    const error = failureOf(await bench.start('local', { command: 'true', args: ['x'.repeat(4_000_000)] }).result);
    expect([error.code, error.retryable]).toEqual(['start_failed', false]);
    expect(error.message).toMatch(/by stdin or in a file/);
  });

  it('ends a flood at the limit with log_limit_exceeded', async () => {
    const { recording, result } = bench.start('local', { command: 'yes', spoolLimitBytes: 1_000_000, graceMs: 500 });
    const error = failureOf(await result);
    expect(error.code).toBe('log_limit_exceeded');
    expect(error.message).toContain('raise spoolLimitBytes');
    expect(recording.output().length).toBeLessThan(1_001_600);
  });

  it('ends a flood at the limit also when the command ignores the signal of the limit', async () => {
    const line = 'trap "" XFSZ; while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done';
    const { result } = bench.start('local', shell(line, { spoolLimitBytes: 20_000, graceMs: 500 }));
    expect(failureOf(await result).code).toBe('log_limit_exceeded');
  });

  it('says which limit a command met that wrote too large a file of its own', async () => {
    const line = `exec head -c 100000 /dev/zero > ${join(bench.folder, 'large')}`;
    const error = failureOf(await bench.start('local', shell(line, { spoolLimitBytes: 5_000 })).result);
    expect([error.code, error.signal]).toEqual(['local.file_size_limit', 'SIGXFSZ']);
  });

  it('does not start the command of a run that is cancelled while its handle is stored', async () => {
    const marker = join(bench.folder, 'marker');
    const run = bench.start('local', shell(`echo started > ${marker}`), {
      onSpawn: async () => run.recording.abort({ kind: 'cancelled' }),
    });
    expect(await run.result).toEqual({ status: 'cancelled', forced: false });
    expect(readdirSync(bench.folder)).toEqual(['runs']);
  });

  it('tells of a run whose processes were all killed from outside', async () => {
    const { recording, result } = bench.start('local', shell('echo up; sleep 100'));
    await recording.waitUntil('up', () => recording.output() === 'up\n');
    const handle = recording.handle;
    process.kill(handle?.kind === 'process' ? -(handle.processGroupId ?? 0) : 0, 'SIGKILL');
    expect(failureOf(await result)).toMatchObject({ code: 'killed_by_signal', signal: 'SIGKILL' });
  });

  it('goes on with a command whose capsule alone was killed', async () => {
    const { recording, result } = bench.start('local', fixtureConfig('numbered-lines', 20, 50, 0));
    await recording.waitUntil('a line', () => recording.output().includes('line 1 '));
    const handle = recording.handle;
    if (handle?.kind !== 'process') return expect.fail();
    process.kill(handle.pid, 'SIGKILL');
    await eventually('the capsule is gone', () => !isAlive(handle.pid));
    expect(failureOf(await result).code).toMatch(/process_lost|killed_by_signal/);
    expect(recording.output('stdout')).toContain('line 20 ');
  });

  it('says that output was lost when the command truncates it by opening /dev/stderr anew', async () => {
    const answer = join(bench.folder, 'go');
    const lines = ['before >&2', 'x > /dev/stderr', 'longer > /dev/stderr', 'sameas > /dev/stderr', 'after >&2'];
    // Each line waits until the one before was read, as far as this can be seen from outside.
    const script = lines.map((line, index) => `echo ${line}; until [ -e ${answer}${index} ]; do sleep 0.02; done`).join('\n');
    const { recording, result } = bench.start('local', shell(script));
    const words = lines.map((line) => line.split(' ')[0]);
    for (const [index, word] of words.entries()) {
      await recording.waitUntil(`the line ${word}`, () => recording.output('stderr').includes(`${word}\n`));
      writeFileSync(`${answer}${index}`, '');
    }
    expect(await result).toEqual({ status: 'succeeded' });
    expect(recording.output('stderr')).toBe(`${words.join('\n')}\n`);
    expect(recording.output('system').match(/Write with >&2 instead of > \/dev\/stderr/g)).toHaveLength(1);
  });

  it('ends a descendant that left the group and cleared its environment', async () => {
    const line = 'env -i setsid sleep 300 & echo "pid $!"; wait';
    const { recording, result } = bench.start('local', shell(line));
    await recording.waitUntil('the pid', () => recording.output().includes('\n'));
    const pid = Number(/pid (\d+)/.exec(recording.output())?.[1]);
    recording.abort({ kind: 'cancelled' });
    await result;
    expect(isAlive(pid)).toBe(false);
  });

  it('settles a run whose folder is removed under it', async () => {
    const { recording, result } = bench.start('local', shell('echo up; sleep 0.3; exit 6'));
    await recording.waitUntil('up', () => recording.output() === 'up\n');
    rmSync(join(bench.runsDirectory, recording.runId), { recursive: true });
    expect(failureOf(await result).code).toBe('process_lost');
  });

  it('takes over a folder that an earlier attempt of the run has left', async () => {
    const first = bench.start('local', shell('echo first; sleep 100'), { runId: 'again' });
    await first.recording.waitUntil('first', () => first.recording.output() === 'first\n');
    first.recording.abort({ kind: 'host_shutdown' });
    expect(await first.result).toEqual({ status: 'detached' });
    const second = bench.start('local', shell('echo second'), { runId: 'again', attempt: 2 });
    expect(await second.result).toEqual({ status: 'succeeded' });
    expect(second.recording.output()).toBe('second\n');
    const handle = first.recording.handle;
    expect(handle?.kind === 'process' && isAlive(handle.pid)).toBe(false);
  });

  it('keeps the folder of a run with a foreign id below its own directory', async () => {
    const { result } = bench.start('local', { command: 'true' }, { runId: '../../escape' });
    expect(await result).toEqual({ status: 'succeeded' });
    expect(readdirSync(bench.folder)).toEqual(['runs']);
    expect(readdirSync(bench.runsDirectory)).toHaveLength(1);
  });
});

describe('local-attached', () => {
  it('loses nothing of what the command writes while its handle is still being stored', async () => {
    const written = join(bench.folder, 'written');
    const { recording, result } = bench.start('local-attached', shell(`echo early; echo early >&2; : >'${written}'; echo late`), {
      onSpawn: async () => {
        await eventually('the output', () => existsSync(written));
        // Whoever reads the pipes by itself in the meantime has many turns to do so.
        for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      },
    });
    expect(await result).toEqual({ status: 'succeeded' });
    expect([recording.output('stdout'), recording.output('stderr')]).toEqual(['early\nlate\n', 'early\n']);
  });

  it('lets go of its work when it is fenced', async () => {
    const { recording, result } = bench.start('local-attached', fixtureConfig('stubborn-tree'), {});
    await recording.waitUntil('the pids', () => recording.output().includes('\n'));
    recording.abort({ kind: 'fenced' });
    expect(await result).toEqual({ status: 'detached' });
    const pids = recording.output().trim().split(' ').slice(1).map(Number);
    expect(pids.map(isAlive)).toEqual([true, true, true]);
    for (const pid of pids) process.kill(pid, 'SIGKILL');
  });
});
