import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createRecordingContext } from '../context/recording-context.js';
import { createScriptedAdapter } from './scripted-adapter.js';
import { createScriptedWorld } from './scripted-world.js';

describe('createScriptedAdapter', () => {
  it('lets a test drive the work by hand and delivers what it does in order', async () => {
    const { adapter, world } = createScriptedAdapter();
    const recording = createRecordingContext({ config: {} });
    const result = recording.execute(adapter);
    const workload = await world.workload(recording.runId);
    await workload.write('stdout', 'one\n');
    await workload.alive();
    await workload.event({ type: 'scripted.note', level: 'info', message: 'm' });
    expect(recording.calls.map(({ kind }) => kind)).toEqual(['spawn', 'log', 'alive', 'event']);
    workload.end({ status: 'succeeded', summary: 'done' });
    expect(await result).toEqual({ status: 'succeeded', summary: 'done' });
    expect(recording.violations).toEqual([]);
  });

  it('keeps work alive over the loss of its host, for another adapter object of the same world', async () => {
    const world = createScriptedWorld();
    const first = createScriptedAdapter({ world });
    const before = createRecordingContext({ config: {} });
    const detached = before.execute(first.adapter);
    const workload = await world.workload(before.runId);
    await workload.write('stdout', 'before\n');
    before.abort({ kind: 'host_shutdown' });
    expect(await detached).toEqual({ status: 'detached' });
    const unattended = workload.write('stdout', 'meanwhile\n');
    workload.end({ status: 'succeeded' });

    const after = createRecordingContext({ config: {}, runId: before.runId });
    const handle = before.handle;
    if (!handle) throw new Error('no handle');
    expect(await after.reattach(createScriptedAdapter({ world }).adapter, { handle, afterCursor: before.lastCursor })).toEqual({
      status: 'succeeded',
    });
    await unattended;
    expect(after.output()).toBe('meanwhile\n');
    expect([workload.executions, workload.reattachments, workload.followers]).toEqual([1, 1, 0]);
  });

  it('answers probes as it is told, one after the other, and then with the truth', async () => {
    const { adapter, world } = createScriptedAdapter();
    const recording = createRecordingContext({ config: {} });
    const result = recording.execute(adapter);
    const workload = await world.workload(recording.runId);
    const { outOfProcess } = adapter;
    if (outOfProcess?.kind !== 'handle' || !recording.handle) throw new Error('not a handle adapter');
    const query = { runId: recording.runId, handle: recording.handle, config: {}, signal: new AbortController().signal };
    const unknown = { state: 'unknown', retryAfterMs: 5, message: 'away' } as const;
    workload.answerProbes(unknown, () => ({ state: 'gone' }));
    expect([await outOfProcess.probe(query), await outOfProcess.probe(query), await outOfProcess.probe(query)]).toEqual([
      unknown,
      { state: 'gone' },
      { state: 'gone' },
    ]);
    workload.answerProbes();
    expect(await outOfProcess.probe(query)).toEqual({ state: 'alive' });
    workload.vanish();
    expect(await outOfProcess.probe(query)).toEqual({ state: 'gone' });
    expect(await result).toMatchObject({ status: 'failed', error: { code: 'process_lost' } });
  });

  it('rejects as a buggy adapter would when it is told to crash, and its work goes on', async () => {
    const { adapter, world } = createScriptedAdapter({ kind: 'attached' });
    const recording = createRecordingContext({ config: {} });
    const result = recording.execute(adapter);
    const workload = await world.workload(recording.runId);
    workload.crashAdapter(new TypeError('undefined is not a function'));
    await expect(result).rejects.toThrow(TypeError);
    expect(workload.state).toEqual({ kind: 'running' });
  });

  it('counts a run that is executed twice', async () => {
    const { adapter, world } = createScriptedAdapter();
    const first = createRecordingContext({ config: {}, runId: 'twice' });
    const second = createRecordingContext({ config: {}, runId: 'twice' });
    const results = [first.execute(adapter), second.execute(adapter)];
    const workload = await world.workload('twice');
    await first.waitUntil('spawn', () => first.handle !== null);
    await second.waitUntil('spawn', () => second.handle !== null);
    expect(workload.executions).toBe(2);
    workload.end({ status: 'succeeded' });
    await Promise.all(results);
  });

  it('plays the steps of its config', async () => {
    const { adapter } = createScriptedAdapter({ kind: 'log-driven' });
    const recording = createRecordingContext({
      config: {
        steps: [
          { do: 'write', stream: 'stderr', text: 'warning\n' },
          { do: 'wait', ms: 1 },
          { do: 'alive' },
          { do: 'end', result: { status: 'succeeded' } },
        ],
      },
    });
    expect(await recording.execute(adapter)).toEqual({ status: 'succeeded' });
    expect(recording.output('stderr')).toBe('warning\n');
    expect(recording.calls.some(({ kind }) => kind === 'alive')).toBe(true);
  });

  it('forces work that ignores the request to stop, and tells so', async () => {
    const { adapter, world } = createScriptedAdapter({ kind: 'attached', graceMs: 5 });
    const recording = createRecordingContext({ config: {} });
    const result = recording.execute(adapter);
    const workload = await world.workload(recording.runId);
    workload.ignoreStop();
    recording.abort({ kind: 'timed_out', limitMs: 1_000 });
    expect(await result).toEqual({ status: 'timed_out', limitMs: 1_000, forced: true });
    expect(workload.stopRequests).toEqual(['timed_out']);
    expect(isDeepStrictEqual(workload.state, { kind: 'stopped', forced: true })).toBe(true);
  });
});
