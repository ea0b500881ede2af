import { describe, expect, it } from 'vitest';
import { AdapterError } from './adapter-error.js';
import { type ExecuteEvent, executeFromEvents } from './execute-from-events.js';
import type { ExecuteContextV1 } from './v1/execute-context-v1.js';
import type { RunResultV1 } from './v1/run-result-v1.js';

const handle = { kind: 'external', formatVersion: 1, ref: 'job-1' } as const;

function contextWith(sinks: Partial<ExecuteContextV1> = {}): { calls: string[]; context: ExecuteContextV1 } {
  const calls: string[] = [];
  const context: ExecuteContextV1 = {
    runId: 'run-1',
    attempt: 1,
    config: { greeting: 'hello' },
    agent: { id: 'a', companyId: 'c', name: 'n', role: 'r' },
    input: { prompt: null, reason: null, source: 'on_demand', payload: null, issue: null, taskKey: null },
    previousSession: null,
    environment: {},
    signal: new AbortController().signal,
    onSpawn: async () => void calls.push('spawn'),
    onLog: async (stream, text, mark) =>
      void calls.push(`${stream}:${text.length > 20 ? text.length : text}:${mark?.cursor ?? ''}`),
    onAlive: async () => void calls.push('alive'),
    onEvent: async ({ type }) => void calls.push(`event:${type}`),
    ...sinks,
  };
  return { calls, context };
}

describe('executeFromEvents', () => {
  it('hands each event on before the generator goes on, and returns its result', async () => {
    const { calls, context } = contextWith();
    const execute = executeFromEvents(async function* ({ runId }) {
      yield { type: 'spawn', handle };
      yield { type: 'log', stream: 'stdout', text: runId, mark: { cursor: '5' } };
      expect(calls).toEqual(['spawn', 'stdout:run-1:5']);
      yield { type: 'alive' };
      yield { type: 'event', event: { type: 'acme.waits', level: 'info', message: 'm' } };
      return { status: 'succeeded' };
    });
    expect(await execute(context)).toEqual({ status: 'succeeded' });
    expect(calls).toEqual(['spawn', 'stdout:run-1:5', 'alive', 'event:acme.waits']);
  });

  it('cuts long text into pieces that one onLog may carry, but not text with a cursor', async () => {
    const { calls, context } = contextWith();
    const text = 'x'.repeat(65_537);
    await executeFromEvents(async function* () {
      yield { type: 'log', stream: 'stderr', text };
      return { status: 'succeeded' };
    })(context);
    expect(calls).toEqual(['stderr:65536:', 'stderr:x:']);
    const withCursor = executeFromEvents(async function* () {
      yield { type: 'log', stream: 'stderr', text, mark: { cursor: '1' } };
      return { status: 'succeeded' };
    });
    await expect(withCursor(context)).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('throws a refused onSpawn at the yield, lets the generator stop its work, and rethrows', async () => {
    const refusal = new Error('fenced');
    const { context } = contextWith({ onSpawn: () => Promise.reject(refusal) });
    let isStopped = false;
    const execute = executeFromEvents(async function* () {
      try {
        yield { type: 'spawn', handle };
      } finally {
        isStopped = true;
      }
      return { status: 'succeeded' };
    });
    await expect(execute(context)).rejects.toBe(refusal);
    expect(isStopped).toBe(true);
  });

  it('rethrows the refusal even when the generator swallows it and yields on', async () => {
    const refusal = new Error('gone');
    const { context } = contextWith({ onSpawn: () => Promise.reject(refusal) });
    const seen: string[] = [];
    const execute = executeFromEvents(async function* (): AsyncGenerator<ExecuteEvent, RunResultV1, undefined> {
      try {
        yield { type: 'spawn', handle };
      } catch {
        seen.push('caught');
        yield { type: 'alive' };
        seen.push('went on');
      } finally {
        seen.push('finally');
      }
      return { status: 'succeeded' };
    });
    await expect(execute(context)).rejects.toBe(refusal);
    expect(seen).toEqual(['caught', 'finally']);
  });

  it('turns an AdapterError into a failed result and lets any other error reject', async () => {
    const { context } = contextWith();
    // biome-ignore lint/correctness/useYield: a generator that fails before its first event is the case.
    const failing = executeFromEvents(async function* () {
      throw new AdapterError('start_failed', 'no such job queue');
    });
    expect(await failing(context)).toEqual({
      status: 'failed',
      error: { code: 'start_failed', message: 'no such job queue', retryable: false },
    });
    // biome-ignore lint/correctness/useYield: the same.
    const buggy = executeFromEvents(async function* () {
      throw new TypeError('x');
    });
    await expect(buggy(context)).rejects.toThrow(TypeError);
  });
});
