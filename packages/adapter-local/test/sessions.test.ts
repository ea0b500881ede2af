import type { SessionOutputV1 } from '@runbeat/adapter-sdk';
import { describe, expect, it } from 'vitest';
import { eventually, isAlive, useBench } from './bench.js';
import { acpAgent, isSettlement, talker, useTalks } from './session-bench.js';

const bench = useBench();
const talks = useTalks(bench);
const kinds = (outputs: readonly SessionOutputV1[]) => outputs.filter(({ kind }) => kind !== 'stderr').map(({ kind }) => kind);

function pidOf(output: SessionOutputV1): number {
  const result = output.kind === 'completed' ? output.result : null;
  return typeof result === 'object' && result !== null && 'pid' in result ? Number(result['pid']) : expect.fail('no pid');
}

describe('json-rpc-lines', () => {
  it('answers prompts one after the other, each settled once under its own id', async () => {
    const talk = await talks.open(talker());
    for (const promptId of ['one', 'two']) {
      expect(await talk.worker.prompt(promptId, `echo ${promptId}`)).toEqual({ written: true });
      expect(await talk.settlement(promptId)).toEqual({ kind: 'completed', promptId, result: { echo: promptId } });
    }
    expect(kinds(talk.outputs)).toEqual(['acknowledged', 'update', 'completed', 'acknowledged', 'update', 'completed']);
    expect(talk.worker.resumeState).toBeNull();
  });

  it('cancels a prompt in flight, and goes on with the next', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', 'hang');
    await talk.waitFor('the acknowledgement', ({ kind }) => kind === 'acknowledged');
    expect(await talk.worker.cancel('p')).toEqual({ written: true });
    expect(await talk.settlement('p')).toEqual({ kind: 'cancelled', promptId: 'p' });
    await talk.worker.prompt('next', 'echo x');
    expect((await talk.settlement('next')).kind).toBe('completed');
  });

  it('takes a cancel that races the completion: the prompt settles once', async () => {
    const talk = await talks.open(talker());
    await Promise.all([talk.worker.prompt('p', 'echo quick'), talk.worker.cancel('p')]);
    await talk.settlement('p');
    await talk.worker.prompt('after', 'echo x');
    await talk.settlement('after');
    expect(talk.outputs.filter((output) => isSettlement(output, 'p'))).toHaveLength(1);
  });

  it('hands a question of the agent on, and its answer back', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', 'ask');
    const request = await talk.waitFor('the question', ({ kind }) => kind === 'request');
    expect(request).toMatchObject({ promptId: 'p', request: { method: 'permission', params: { question: 'May I?' } } });
    const requestId = request.kind === 'request' ? request.requestId : '';
    expect(await talk.worker.answer(requestId, { yes: true })).toEqual({ written: true });
    expect(await talk.settlement('p')).toMatchObject({ result: { answer: { yes: true } } });
    // A second answer has nobody to go to; it must not reach the agent as something else.
    expect(await talk.worker.answer(requestId, { yes: false })).toEqual({ written: true });
  });

  it('takes what is no message for a protocol error, and the conversation goes on', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', 'noise');
    expect(await talk.settlement('p')).toMatchObject({ kind: 'completed', result: 'still here' });
    expect(kinds(talk.outputs)).toEqual(['protocol_error', 'protocol_error', 'protocol_error', 'protocol_error', 'completed']);
  });

  it('leaves out a line over 16 MiB, says so, and the conversation goes on', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', `long ${17 * 1_048_576}`);
    expect((await talk.settlement('p')).kind).toBe('completed');
    expect(talk.outputs.find(({ kind }) => kind === 'protocol_error')).toMatchObject({
      message: 'A line of 17825792 bytes was left out: it is longer than the limit.',
    });
  });

  it('hands on a flood in order, while prompts are answered', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', 'flood 20000');
    expect(await talk.settlement('p')).toMatchObject({ result: { lines: 20_000 } });
    const seen = talk.outputs.flatMap((output) =>
      output.kind === 'update' && typeof output.update === 'object' && output.update !== null && 'params' in output.update
        ? [(output.update['params'] as { line: number }).line]
        : [],
    );
    expect(seen).toEqual(Array.from({ length: 20_000 }, (_, index) => index + 1));
  });

  it('drains stderr while nobody asks anything', async () => {
    const talk = await talks.open(talker());
    expect(await talk.waitFor('stderr', ({ kind }) => kind === 'stderr')).toEqual({ kind: 'stderr', text: 'talker is up\n' });
  });
});

describe('a worker that dies or does not listen', () => {
  it('T7 SIGKILL before a write: the write is broken, not an exception, and the exit tells', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', 'pid');
    const pid = pidOf(await talk.settlement('p'));
    process.kill(pid, 'SIGKILL');
    await eventually('the agent is gone', () => !isAlive(pid));
    // The last thread of a killed program closes its stdin a moment later; until then a write may still be taken.
    await expect.poll(async () => (await talk.worker.prompt('q', 'echo x')).written, { timeout: 20_000 }).toBe(false);
    expect(await talk.worker.prompt('q', 'echo x')).toMatchObject({ written: false, reason: 'stdin_broken' });
    const exit = await talk.worker.exited;
    expect([exit.signal, exit.exitCode, exit.stderrTail]).toEqual(['SIGKILL', null, 'talker is up\n']);
    expect(['stdin_broken', 'process_signal']).toContain(exit.reason);
    expect(await talk.worker.prompt('r', 'echo x')).toMatchObject({ written: false, reason: 'stdin_broken' });
  });

  it('SIGKILL between write and read: the exit tells', async () => {
    const talk = await talks.open(talker());
    expect(await talk.worker.prompt('p', 'kill')).toEqual({ written: true });
    expect(await talk.worker.exited).toMatchObject({ reason: 'process_signal', signal: 'SIGKILL' });
    expect(talk.outputs.filter((output) => isSettlement(output, 'p'))).toEqual([]);
  });

  it('SIGKILL in mid-output: whole messages are handed on, half a one is not', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', 'pid');
    const pid = pidOf(await talk.settlement('p'));
    await talk.worker.prompt('q', 'flood 100000000');
    await talk.waitFor('an update', ({ kind }) => kind === 'update');
    process.kill(pid, 'SIGKILL');
    expect(await talk.worker.exited).toMatchObject({ reason: 'process_signal', signal: 'SIGKILL' });
    expect(kinds(talk.outputs).filter((kind) => kind === 'protocol_error')).toEqual([]);
  });

  it.each([0, 7])('exit code %i with a prompt in flight', async (code) => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', `exit ${code}`);
    expect(await talk.worker.exited).toMatchObject({ reason: 'process_exit', exitCode: code, signal: null });
    expect(await talk.worker.stop({ graceMs: 100 })).toEqual({ stopped: 'already_gone' });
  });

  it('stdin closed but alive: the write is broken and the worker is ended for good', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', 'pid');
    const pid = pidOf(await talk.settlement('p'));
    await talk.worker.prompt('q', 'close-stdin');
    await expect
      .poll(async () => (await talk.worker.prompt('r', 'echo x')).written, { timeout: 20_000, interval: 20 })
      .toBe(false);
    expect(await talk.worker.exited).toMatchObject({ reason: 'stdin_broken' });
    expect(isAlive(pid)).toBe(false);
  });

  it('stdin closed at the start: the first write is broken', async () => {
    const talk = await talks.open(talker('--close-stdin'));
    await talk.waitFor('the start', ({ kind }) => kind === 'stderr');
    expect(await talk.worker.prompt('p', 'echo x')).toMatchObject({ written: false, reason: 'stdin_broken' });
    expect(await talk.worker.exited).toMatchObject({ reason: 'stdin_broken' });
  });

  it('never reads: a prompt of 1 MiB against a full pipe ends at the deadline, and the worker with it', async () => {
    const talk = await talks.open(talker('--never-read'), { stdinDeadlineMs: 500 });
    // Small writes are taken by the system; that proves nothing.
    expect(await talk.worker.prompt('small', 'echo x')).toEqual({ written: true });
    const [big, behind] = await Promise.all([
      talk.worker.prompt('big', 'x'.repeat(1_048_576)),
      talk.worker.prompt('behind', 'echo y'),
    ]);
    expect([big, behind].map((write) => !write.written && write.reason)).toEqual(['write_timeout', 'write_timeout']);
    expect(await talk.worker.exited).toMatchObject({ reason: 'write_timeout' });
  });

  it('reads a prompt of 1 MiB whole', async () => {
    const talk = await talks.open(talker());
    const text = 'ä'.repeat(524_288);
    expect(await talk.worker.prompt('p', `echo ${text}`)).toEqual({ written: true });
    expect(await talk.settlement('p')).toEqual({ kind: 'completed', promptId: 'p', result: { echo: text } });
  });

  it('a grandchild that holds the pipes does not delay the exit for ever, and is ended', async () => {
    const talk = await talks.open(talker());
    await talk.worker.prompt('p', 'grandchild');
    expect(await talk.worker.exited).toMatchObject({ reason: 'process_exit', exitCode: 5 });
    const said = talk.outputs.map((output) => (output.kind === 'stderr' ? output.text : '')).join('');
    expect(isAlive(Number(/grandchild (\d+)/.exec(said)?.[1]))).toBe(false);
  });

  it('a command that does not exist, or that has no protocol, cannot be opened', async () => {
    await expect(talks.open({ command: 'runbeat-no-such-agent', interactive: { protocol: 'acp' } })).rejects.toMatchObject({
      code: 'start_failed',
    });
    await expect(talks.open({ command: 'cat' })).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('interactive.protocol'),
    });
  });

  it('a refused handle leaves nothing behind', async () => {
    const refuse = () => Promise.reject(new RangeError('refused'));
    await expect(talks.open(talker(), { onSpawn: refuse })).rejects.toThrow('refused');
  });

  it('stops by the end of stdin; a worker that ignores it by force', async () => {
    const polite = await talks.open(talker());
    expect(await polite.worker.stop({ graceMs: 10_000 })).toEqual({ stopped: 'graceful' });
    expect(await polite.worker.exited).toMatchObject({ reason: 'stop', exitCode: 0 });
    const deaf = await talks.open(talker('--never-read'));
    const stops = await Promise.all([deaf.worker.stop({ graceMs: 100 }), deaf.worker.stop({ graceMs: 100 })]);
    expect(stops).toEqual([{ stopped: 'graceful' }, { stopped: 'graceful' }]);
    expect(await deaf.worker.exited).toMatchObject({ reason: 'stop', signal: 'SIGTERM' });
  });

  it('ends when the host refuses its output, and lets the process live', async () => {
    const talk = await talks.open(talker(), {
      onOutput: (output) => (output.kind === 'update' ? Promise.reject(new RangeError('no room')) : Promise.resolve()),
    });
    await talk.worker.prompt('p', 'echo x');
    expect(await talk.worker.exited).toMatchObject({ reason: 'fenced' });
    const later = (await talks.reattach(talker(), talk)) ?? expect.fail();
    expect(await later.worker.stop({ graceMs: 2_000 })).toEqual({ stopped: 'graceful' });
  });
});

describe('a later host', () => {
  it('takes over a turn in flight: no gap, no double, the same prompt settles', async () => {
    const first = await talks.open(talker());
    await first.worker.prompt('p', 'hang');
    await first.waitFor('the acknowledgement', ({ kind }) => kind === 'acknowledged');
    first.abort({ kind: 'host_shutdown' });
    expect(await first.worker.exited).toMatchObject({ reason: 'host_shutdown', exitCode: null });
    const earlier = { ...first, promptsInFlight: ['p'] };
    const second = (await talks.reattach(talker(), earlier)) ?? expect.fail();
    await second.worker.cancel('p');
    expect(await second.settlement('p')).toEqual({ kind: 'cancelled', promptId: 'p' });
    await second.worker.prompt('q', 'echo again');
    expect(await second.settlement('q')).toMatchObject({ result: { echo: 'again' } });
    expect(await second.worker.stop({ graceMs: 5_000 })).toEqual({ stopped: 'graceful' });
  });

  it('hears what a worker said and how it ended while no host lived', async () => {
    const first = await talks.open(talker());
    await first.worker.prompt('p', 'pid');
    const pid = pidOf(await first.settlement('p'));
    await first.worker.prompt('q', 'hang');
    await first.waitFor('q', (output) => output.kind === 'acknowledged' && output.promptId === 'q');
    first.abort({ kind: 'fenced' });
    expect(await first.worker.exited).toMatchObject({ reason: 'fenced' });
    process.kill(pid, 'SIGKILL');
    await eventually('the agent is gone', () => !isAlive(pid));
    const second = (await talks.reattach(talker(), { ...first, promptsInFlight: ['q'] })) ?? expect.fail();
    expect(await second.worker.exited).toMatchObject({ reason: 'process_signal', signal: 'SIGKILL' });
    expect(second.outputs).toEqual([]);
  });

  it('answers a question that an earlier host was asked', async () => {
    const first = await talks.open(acpAgent());
    await first.worker.prompt('p', 'ask');
    const request = await first.waitFor('the question', ({ kind }) => kind === 'request');
    const requestId = request.kind === 'request' ? request.requestId : '';
    first.abort({ kind: 'host_shutdown' });
    await first.worker.exited;
    const earlier = { ...first, promptsInFlight: ['p'], requestsOpen: [requestId] };
    const second = (await talks.reattach(acpAgent(), earlier)) ?? expect.fail();
    await second.worker.answer(requestId, { outcome: { outcome: 'selected', optionId: 'no' } });
    expect(await second.settlement('p')).toMatchObject({ kind: 'completed', result: { stopReason: 'end_turn' } });
    expect(second.worker.resumeState).toEqual(first.worker.resumeState);
  });

  it('finds nothing of a worker whose folder has gone', async () => {
    const first = await talks.open(talker());
    await first.worker.stop({ graceMs: 5_000 });
    expect(await talks.reattach(talker(), { ...first, cursor: null, workerId: 'never' })).toBeNull();
  });
});

describe('acp', () => {
  it('talks through the official SDK: greets, opens, streams and settles', async () => {
    const talk = await talks.open(acpAgent());
    expect(talk.worker.resumeState).toEqual({ acpSessionId: expect.stringMatching(/^fixture-\d+$/) });
    await talk.worker.prompt('p', [{ type: 'text', text: 'echo hello' }]);
    expect(await talk.settlement('p')).toEqual({ kind: 'completed', promptId: 'p', result: { stopReason: 'end_turn' } });
    expect(talk.outputs).toContainEqual({
      kind: 'update',
      promptId: 'p',
      update: { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: 'hello' } },
    });
  });

  it('cancels a turn with an open question: the question is answered as cancelled', async () => {
    const talk = await talks.open(acpAgent());
    await talk.worker.prompt('p', 'ask');
    await talk.waitFor('the question', ({ kind }) => kind === 'request');
    await talk.worker.cancel('p');
    expect(await talk.settlement('p')).toEqual({ kind: 'cancelled', promptId: 'p' });
  });

  it('cancels a turn that works', async () => {
    const talk = await talks.open(acpAgent());
    await talk.worker.prompt('p', 'hang');
    await talk.waitFor('an update', ({ kind }) => kind === 'update');
    await talk.worker.cancel('p');
    expect(await talk.settlement('p')).toEqual({ kind: 'cancelled', promptId: 'p' });
  });

  it('refuses what it does not offer to agents', async () => {
    const talk = await talks.open(acpAgent());
    await talk.worker.prompt('p', 'read-file');
    await talk.settlement('p');
    expect(JSON.stringify(talk.outputs)).toContain('refused -32601');
  });

  it('goes on with an earlier session, without its repeated words', async () => {
    const talk = await talks.open(acpAgent(), { previousSession: { acpSessionId: 'from-before' } });
    expect(talk.worker.resumeState).toEqual({ acpSessionId: 'from-before' });
    await talk.worker.prompt('p', 'session');
    await talk.settlement('p');
    expect(JSON.stringify(talk.outputs)).toContain('from-before');
    expect(JSON.stringify(talk.outputs)).not.toContain('old words');
  });

  it('says what to do when the agent wants to be signed in first', async () => {
    await expect(talks.open(acpAgent('--needs-login'))).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringContaining('Log in at example.org'),
    });
  });

  it('takes an agent that speaks something else for a failed start, and ends it', async () => {
    await expect(
      talks.open({ command: 'sh', args: ['-c', 'echo hello; echo bad >&2; exit 3'], interactive: { protocol: 'acp' } }),
    ).rejects.toMatchObject({
      code: 'start_failed',
      message: expect.stringMatching(/exit code 3.*Its last words: bad/s),
    });
  });
});
