import type { Socket } from 'node:net';
import { createRecordingContext } from '@runbeat/adapter-testkit';
import { afterAll, describe, expect, it } from 'vitest';
import type { Config } from '../src/config.js';
import { referenceFromHandle } from '../src/handle.js';
import adapter from '../src/index.js';
import type { Task } from '../src/service/job.js';
import { startJobService } from '../src/service/job-service.js';
import { conformanceTasks } from './conformance-tasks.js';

const token = 'right';
const echo: Task = async ({ input, print }) => {
  print('stdout', `${input}`);
  return 0;
};
let finishHeld = (): void => {};
const held: Task = async ({ print }) => {
  print('stdout', 'before\n');
  await new Promise<void>((resolve) => {
    finishHeld = resolve;
  });
  print('stdout', 'meanwhile\n');
  return 3;
};
const service = await startJobService({
  tasks: { ...conformanceTasks, echo, held },
  token,
  port: 0,
});
afterAll(() => service.close());

const config = (task: string, more: Partial<Config> = {}): Config => ({
  serviceUrl: service.url,
  token,
  task,
  pollMs: 20,
  graceMs: 300,
  ...more,
});

describe('adapter-http', () => {
  it('hands the prompt to the job', async () => {
    const recording = createRecordingContext({ config: config('echo'), input: { prompt: 'Hello 👋' } });
    expect(await recording.execute(adapter)).toEqual({ status: 'succeeded' });
    expect(recording.output()).toBe('Hello 👋');
  });

  it('says that a service which does not answer may be tried again, and that a wrong token may not', async () => {
    const away = createRecordingContext({ config: config('echo', { serviceUrl: 'http://127.0.0.1:1' }) });
    expect(await away.execute(adapter)).toMatchObject({ status: 'failed', error: { code: 'http.unreachable', retryable: true } });
    const refused = createRecordingContext({ config: config('echo', { token: 'wrong-secret' }) });
    const result = await refused.execute(adapter);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'http.refused', retryable: false } });
    expect(JSON.stringify(result)).not.toContain('wrong-secret');
  });

  it('outlasts an outage of the service: it tells of it once, goes on, and loses nothing', async () => {
    const recording = createRecordingContext({ config: config('held') });
    const running = recording.execute(adapter);
    await recording.waitUntil('output', () => recording.output() !== '');
    const refuse = (socket: Socket): void => void socket.destroy();
    service.server.prependListener('connection', refuse);
    service.server.closeAllConnections();
    const events = () => recording.calls.flatMap((call) => (call.kind === 'event' ? [call.event.type] : []));
    await recording.waitUntil('the warning', () => events().length > 0);
    finishHeld();
    service.server.removeListener('connection', refuse);
    expect(await running).toMatchObject({ status: 'failed', error: { exitCode: 3 } });
    expect(events()).toEqual(['http.service_away', 'http.service_back']);
    expect(recording.output()).toBe('before\nmeanwhile\n');
  });

  it('finds the job of a run whose host was lost before it had a handle', async () => {
    const recording = createRecordingContext({ config: config('runForever') });
    const running = recording.execute(adapter);
    await recording.waitUntil('output', () => recording.output() !== '');
    const signal = AbortSignal.timeout(10_000);
    const ended = await adapter.outOfProcess?.terminate({
      runId: recording.runId,
      handle: null,
      config: config('runForever'),
      reason: 'lost',
      signal,
    });
    expect(ended).toEqual({ stopped: 'graceful' });
    expect(await running).toMatchObject({ status: 'cancelled' });
  });

  it('tells how a job ended that the service has forgotten: unknown, as a failure of its own', async () => {
    const recording = createRecordingContext({ config: config('exit0') });
    const handle = { kind: 'external', formatVersion: 1, ref: { serviceUrl: service.url, jobId: 'never-was' } } as const;
    expect(await recording.reattach(adapter, { handle, afterCursor: null })).toMatchObject({
      status: 'failed',
      error: { code: 'http.job_gone' },
    });
  });

  it('refuses a handle that it cannot read, instead of guessing', () => {
    const handle = { kind: 'external', formatVersion: 2, ref: { serviceUrl: service.url, jobId: 'x' } } as const;
    expect(() => referenceFromHandle(handle)).toThrow(expect.objectContaining({ code: 'http.handle_unreadable' }));
  });
});
