import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAdapterConfig } from '@runbeat/adapter-sdk';
import { createRecordingContext, type RecordingContext, type RecordingContextOptions } from '@runbeat/adapter-testkit';
import { afterAll, describe, expect, it } from 'vitest';
import type { Config } from '../src/config.js';
import adapter from '../src/index.js';
import { startThrowAwaySshd } from './throw-away-sshd.js';

const sshd = await startThrowAwaySshd();
afterAll(() => sshd.close());

type Options = Partial<Omit<RecordingContextOptions<Config>, 'config'>>;

function recordingOf(
  command: string,
  args: string[],
  more: Partial<Config> = {},
  options: Options = {},
): RecordingContext<Config> {
  return createRecordingContext<Config>({ config: { ...sshd.login, command, args, env: {}, graceMs: 500, ...more }, ...options });
}

describe('adapter-ssh', () => {
  it('passes words and variables on exactly, whatever is in them', async () => {
    const words = ["it's", '$HOME', '`id`', 'a b', '*', '\\', '"', '', 'two\nlines', 'ä€😀', '-n'];
    const program = 'for word do printf "[%s]" "$word"; done; printf "<%s>" "$ODD" "$RUNBEAT_PROMPT"';
    const recording = recordingOf(
      'sh',
      ['-c', program, 'sh', ...words],
      { env: { ODD: "it's $(id)" } },
      { input: { prompt: 'Hello `you`' } },
    );
    expect(await recording.execute(adapter)).toEqual({ status: 'succeeded' });
    expect(recording.output()).toBe(`${words.map((word) => `[${word}]`).join('')}<it's $(id)><Hello \`you\`>`);
  });

  it('keeps the run token out of process lists and out of the handle', async () => {
    const recording = recordingOf('sh', ['-c', 'cat /proc/*/cmdline 2>/dev/null | tr "\\0" " "; test -n "$RUNBEAT_RUN_TOKEN"']);
    expect(await recording.execute(adapter)).toEqual({ status: 'succeeded' });
    expect(recording.output()).not.toContain(recording.token);
    expect(JSON.stringify(recording.handle)).not.toContain(recording.token);
  });

  it('goes on at the byte where the connection broke when the other host was cut off, and the work never notices', async () => {
    // Half of the lines, the rest when the connection has been lost, whenever that is.
    const mark = join(sshd.home, 'connection-lost');
    const program = [
      'say() { while [ $i -lt $1 ]; do i=$((i + 1)); echo "line $i €"; done; }',
      'i=0; say 20; until [ -e "$0" ]; do sleep 0.05; done; say 40; exit 9',
    ].join('\n');
    const recording = recordingOf('sh', ['-c', program, mark]);
    const running = recording.execute(adapter);
    await recording.waitUntil('some output', () => recording.output().includes('line 20 '));
    await sshd.stop();
    const events = () => recording.calls.flatMap((call) => (call.kind === 'event' ? [call.event.type] : []));
    await recording.waitUntil('the warning', () => events().includes('ssh.connection_lost'));
    writeFileSync(mark, '');
    await sshd.start();
    expect(await running).toMatchObject({ status: 'failed', error: { code: 'exit_nonzero', exitCode: 9 } });
    expect(recording.output()).toBe(Array.from({ length: 40 }, (_, index) => `line ${index + 1} €\n`).join(''));
    expect(events()).toEqual(['ssh.connection_lost', 'ssh.connection_back']);
  });

  it('starts nothing twice when the answer to a start was lost', async () => {
    const marks = join(sshd.home, 'marks');
    const runId = 'run-started-twice';
    const first = recordingOf('sh', ['-c', `echo mark >>${marks}; sleep 0.3`], {}, { runId });
    const second = recordingOf('sh', ['-c', `echo mark >>${marks}; sleep 0.3`], {}, { runId });
    const results = await Promise.all([first.execute(adapter), second.execute(adapter)]);
    expect(results.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    expect(readFileSync(marks, 'utf8')).toBe('mark\n');
  });

  it('finds the work of a run whose host was lost before it had a handle', async () => {
    const recording = recordingOf('sh', ['-c', 'echo up; sleep 60']);
    const running = recording.execute(adapter);
    await recording.waitUntil('output', () => recording.output() === 'up\n');
    const { config } = recording.context;
    const signal = AbortSignal.timeout(30_000);
    const ended = await adapter.outOfProcess?.terminate({ runId: recording.runId, handle: null, config, reason: 'lost', signal });
    expect(ended).toEqual({ stopped: 'graceful' });
    await running;
  });

  it('says what is wrong, in words and in codes', async () => {
    const unreachable = recordingOf('true', [], { port: 1 });
    expect(await unreachable.execute(adapter)).toMatchObject({
      status: 'failed',
      error: { code: 'ssh.unreachable', retryable: true },
    });
    const noCommand = recordingOf('no-such-command-over-there', []);
    expect(await noCommand.execute(adapter)).toMatchObject({ status: 'failed', error: { code: 'start_failed', exitCode: 127 } });
    const noFolder = recordingOf('true', [], { cwd: '/no/such/folder' });
    expect(await noFolder.execute(adapter)).toMatchObject({
      status: 'failed',
      error: { code: 'start_failed', retryable: false },
    });
    const left = readdirSync(join(sshd.home, '.runbeat-ssh'));
    expect(left.filter((name) => name.startsWith(noFolder.runId))).toEqual([]);
    expect(existsSync(join(sshd.home, '.runbeat-ssh'))).toBe(true);
  });

  it('refuses a host or user that ssh would read as an option', async () => {
    for (const wrong of [{ host: '-oProxyCommand=id' }, { user: '-x' }, { host: 'a b' }, { env: { 'A B': 'x' } }]) {
      const parsed = await parseAdapterConfig(adapter, { host: 'h', command: 'true', ...wrong });
      expect(parsed.ok ? [] : parsed.issues.map(({ path }) => path.split('.')[0])).toEqual(Object.keys(wrong));
    }
  });
});
