import type { AdapterV1, Json } from '@runbeat/adapter-sdk';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Agent, InstanceId } from '../supervisor/model/index.js';
import { createRandomId } from '../supervisor/model/index.js';
import { noLogger, noMetrics } from '../supervisor/ports/index.js';
import { createSessionService, type SessionService } from './session-service.js';
import { defaultSessionSettings } from './session-settings.js';
import { createManualClock, settleDown } from './testing/manual-clock.js';
import { createMemorySessionStore, type MemorySessionStore } from './testing/memory-session-store.js';
import { anySchema, createScriptedInteractive } from './testing/scripted-worker.js';

const agent = {
  id: createRandomId(),
  companyId: createRandomId(),
  name: 'talker',
  role: 'agent',
  adapterType: 'scripted',
  runtimeConfig: { placement: null },
} as unknown as Agent;

describe('a session', () => {
  let store: MemorySessionStore;
  let clock: ReturnType<typeof createManualClock>;
  let scripted: ReturnType<typeof createScriptedInteractive>;
  let startFailure: string | null;

  const service = (instanceId = createRandomId<InstanceId>()): SessionService =>
    createSessionService({
      store,
      clock,
      instanceId: () => instanceId,
      logger: noLogger,
      metrics: noMetrics,
      settings: defaultSessionSettings,
      placeOf: () => null,
      getAgent: async () => agent,
      prepare: async () => ({ config: {}, environment: {} }),
      adapters: {
        find: () => ({
          found: true,
          version: null,
          adapter: { interactive: scripted.interactive, configSchema: anySchema } as unknown as AdapterV1,
        }),
        onChange: () => () => undefined,
      },
    });

  beforeEach(() => {
    store = createMemorySessionStore();
    clock = createManualClock();
    startFailure = null;
    scripted = createScriptedInteractive({ failStart: () => startFailure });
  });

  async function started(sessions = service()): Promise<{ sessions: SessionService; id: Parameters<SessionService['get']>[0] }> {
    const { session } = await sessions.create(agent, { isStarted: true });
    await settleDown();
    return { sessions, id: session.id };
  }

  const stateOf = async (sessions: SessionService, id: Parameters<SessionService['get']>[0]) =>
    (await sessions.get(id))?.session.state;

  it('answers when the agent took the prompt up, and settles it once', async () => {
    const { sessions, id } = await started();
    const answer = sessions.message(id, { id: 'p1', prompt: 'hello', wait: 'acknowledged' });
    await settleDown();
    expect(scripted.latest().written).toEqual([{ promptId: 'p1', prompt: 'hello' }]);
    await scripted.latest().say({ kind: 'acknowledged', promptId: 'p1' });
    expect((await answer).state).toBe('acknowledged');
    expect((await sessions.get(id))?.promptInFlight).toBe('p1');
    await scripted.latest().say({ kind: 'completed', promptId: 'p1', result: { text: 'hi' } });
    await scripted.latest().say({ kind: 'completed', promptId: 'p1', result: { text: 'again' } });
    await settleDown();
    expect(await stateOf(sessions, id)).toBe('idle');
    expect(store.settlements).toEqual([{ promptId: 'p1', state: 'completed' }]);
    expect(await sessions.message(id, { id: 'p1', prompt: 'hello', wait: 'settled' })).toMatchObject({
      state: 'completed',
      result: { text: 'hi' },
    });
    expect(scripted.latest().written).toHaveLength(1);
  });

  it('gives one of two prompts at once the busy answer with the id in flight', async () => {
    const { sessions, id } = await started();
    const results = Promise.allSettled(['a', 'b'].map((prompt) => sessions.message(id, { id: prompt, prompt, wait: 'settled' })));
    await settleDown();
    const inFlight = scripted.latest().written[0]?.promptId ?? '';
    await scripted.latest().say({ kind: 'completed', promptId: inFlight, result: null });
    const settled = await results;
    expect(settled.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected']);
    const refused = settled.find((result) => result.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'session_busy', evidence: { promptInFlight: inFlight } });
  });

  it('T7 answers a message into a broken stdin with stdin_broken, is not busy, and starts a new worker with the next', async () => {
    const { sessions, id } = await started();
    const first = scripted.latest();
    first.writeResult = { written: false, reason: 'stdin_broken', message: 'EPIPE' };
    await expect(sessions.message(id, { id: 'p1', prompt: 'x', wait: 'acknowledged' })).rejects.toMatchObject({
      code: 'stdin_broken',
    });
    await settleDown();
    const view = await sessions.get(id);
    expect(view).toMatchObject({ promptInFlight: null, session: { state: 'error', reason: 'stdin_broken' } });
    expect(first.isAlive()).toBe(false);
    const settledSeq = store.journal(id).find((entry) => entry.kind === 'settled')?.seq ?? 0;
    const statusSeq = store.journal(id).find((entry) => (entry.data as { state?: Json } | null)?.state === 'error')?.seq ?? 0;
    expect(settledSeq).toBeLessThan(statusSeq);
    const next = sessions.message(id, { id: 'p2', prompt: 'y', wait: 'acknowledged' });
    await settleDown();
    expect(scripted.processes).toHaveLength(2);
    await scripted.latest().say({ kind: 'acknowledged', promptId: 'p2' });
    expect((await next).state).toBe('acknowledged');
  });

  it('answers stdin_broken when the write succeeded and the process was dead', async () => {
    const { sessions, id } = await started();
    const answer = sessions.message(id, { id: 'p1', prompt: 'x', wait: 'acknowledged' });
    await settleDown();
    scripted.latest().exit({ signal: 'SIGKILL', reason: 'process_signal', message: 'killed by SIGKILL' });
    await expect(answer).rejects.toMatchObject({ code: 'stdin_broken' });
    await settleDown();
    expect(await sessions.get(id)).toMatchObject({ promptInFlight: null, session: { state: 'error', reason: 'stdin_broken' } });
  });

  it('loses a prompt that the agent had taken up when its process ends, also with code 0', async () => {
    const { sessions, id } = await started();
    const answer = sessions.message(id, { id: 'p1', prompt: 'x', wait: 'settled' });
    await settleDown();
    await scripted.latest().say({ kind: 'acknowledged', promptId: 'p1' });
    scripted.latest().exit({ exitCode: 0 });
    expect(await answer).toMatchObject({ state: 'lost', code: 'process_exit' });
    expect(await stateOf(sessions, id)).toBe('crashed');
  });

  it('is stopped, not crashed, when an idle agent ends with code 0', async () => {
    const { sessions, id } = await started();
    scripted.latest().exit({ exitCode: 0 });
    await settleDown();
    expect(await stateOf(sessions, id)).toBe('stopped');
  });

  it('ends the worker when a cancel is overdue and settles the prompt as cancelled', async () => {
    const { sessions, id } = await started();
    const answer = sessions.message(id, { id: 'p1', prompt: 'x', wait: 'settled' });
    await settleDown();
    await sessions.cancel(id, 'p1');
    expect(await stateOf(sessions, id)).toBe('cancelling');
    expect(scripted.latest().cancels).toEqual(['p1']);
    clock.advance(defaultSessionSettings.cancelTimeoutMs);
    expect(await answer).toMatchObject({ state: 'cancelled', code: 'cancel_timeout' });
    await settleDown();
    expect(scripted.latest().isAlive()).toBe(false);
    expect(await stateOf(sessions, id)).toBe('error');
  });

  it('lets a completion that races a cancel win', async () => {
    const { sessions, id } = await started();
    const answer = sessions.message(id, { id: 'p1', prompt: 'x', wait: 'settled' });
    await settleDown();
    const cancelled = sessions.cancel(id, 'p1');
    await scripted.latest().say({ kind: 'completed', promptId: 'p1', result: 1 });
    await cancelled;
    expect((await answer).state).toBe('completed');
    expect(await stateOf(sessions, id)).toBe('idle');
  });

  it('drops the words of an older worker after a restart while busy', async () => {
    const { sessions, id } = await started();
    const answer = sessions.message(id, { id: 'p1', prompt: 'x', wait: 'settled' });
    await settleDown();
    const old = scripted.latest();
    await sessions.restart(id);
    await settleDown();
    expect(await answer).toMatchObject({ state: 'cancelled', code: 'restart' });
    expect(scripted.processes).toHaveLength(2);
    const before = store.journal(id).length;
    await old.say({ kind: 'completed', promptId: 'p1', result: null });
    expect(store.journal(id).length).toBe(before);
    expect(await stateOf(sessions, id)).toBe('idle');
  });

  it('stays crashed after five deaths in a row, until somebody restarts it', async () => {
    startFailure = 'no such command';
    const sessions = service();
    const { session } = await sessions.create(agent, { isStarted: false });
    for (let death = 0; death < 5; death += 1) {
      const answer = sessions.message(session.id, { id: `p${death}`, prompt: 'x', wait: 'acknowledged' });
      answer.catch(() => undefined);
      await settleDown();
      clock.advance(60_000);
      await settleDown();
      await expect(answer).rejects.toMatchObject({ code: 'start_failed' });
    }
    await expect(sessions.message(session.id, { id: 'p9', prompt: 'x', wait: 'acknowledged' })).rejects.toMatchObject({
      code: 'session_crashed',
    });
    startFailure = null;
    await sessions.restart(session.id);
    await settleDown();
    expect(await stateOf(sessions, session.id)).toBe('idle');
  });

  it('keeps a prompt in flight over the death of its server, and the old server can write no more', async () => {
    const first = service('old' as InstanceId);
    const { id } = await started(first);
    const answer = first.message(id, { id: 'p1', prompt: 'x', wait: 'settled' });
    answer.catch(() => undefined);
    await settleDown();
    await scripted.latest().say({ kind: 'acknowledged', promptId: 'p1' });
    await settleDown();
    store.isInstanceAlive = (instanceId) => instanceId !== 'old';
    const second = service();
    expect(await second.runOnce()).toBe(1);
    expect(await second.get(id)).toMatchObject({ promptInFlight: 'p1', session: { state: 'busy' } });
    await expect(first.cancel(id, null)).rejects.toMatchObject({ code: 'session_elsewhere' });
    await expect(answer).rejects.toMatchObject({ code: 'session_elsewhere' });
    const again = second.message(id, { id: 'p1', prompt: 'x', wait: 'settled' });
    await scripted.latest().say({ kind: 'completed', promptId: 'p1', result: 'late' });
    expect(await again).toMatchObject({ state: 'completed', result: 'late' });
    expect(scripted.processes).toHaveLength(1);
  });

  it('finds after a restart of the server that the worker is gone', async () => {
    const { id } = await started(service('old' as InstanceId));
    scripted.latest().exit();
    store.isInstanceAlive = (instanceId) => instanceId !== 'old';
    const second = service();
    await second.runOnce();
    expect(await stateOf(second, id)).toBe('crashed');
  });

  it('ends the worker of a session that was deleted while its server died, once', async () => {
    const { id } = await started(service('old' as InstanceId));
    const session = await store.get(id);
    if (!session) throw new Error('the session is not stored');
    // The deletion is stored, and the server dies before the worker has ended.
    const deleted = { ...session, state: 'stopping', endedAt: clock.now() } as const;
    await store.commit({ session: deleted, ownerEpoch: session.ownerEpoch, prompts: [], entries: [] });
    store.isInstanceAlive = () => false;
    const second = service();
    expect(await second.runOnce()).toBe(1);
    await settleDown();
    expect(scripted.latest().isAlive()).toBe(false);
    expect(await stateOf(second, id)).toBe('stopped');
    expect(await service().runOnce()).toBe(0);
  });

  it('waits out a database that is away, without losing or doubling anything', async () => {
    const { sessions, id } = await started();
    store.failNext = 3;
    const answer = sessions.message(id, { id: 'p1', prompt: 'x', wait: 'settled' });
    for (let turn = 0; turn < 8; turn += 1) {
      await settleDown();
      clock.advance(5_000);
    }
    await settleDown();
    expect(scripted.latest().written).toHaveLength(1);
    await scripted.latest().say({ kind: 'completed', promptId: 'p1', result: null });
    expect((await answer).state).toBe('completed');
    expect(store.journal(id).map((entry) => entry.seq)).toEqual(store.journal(id).map((_, index) => index + 1));
  });

  it('shows questions of the agent to those who join late, until they are answered', async () => {
    const { sessions, id } = await started();
    const answer = sessions.message(id, { id: 'p1', prompt: 'x', wait: 'settled' });
    await settleDown();
    await scripted.latest().say({ kind: 'request', promptId: 'p1', requestId: 'r1', request: { ask: 'may I?' } });
    expect((await sessions.get(id))?.session.openRequests).toMatchObject([{ requestId: 'r1', request: { ask: 'may I?' } }]);
    await sessions.answer(id, 'r1', 'yes');
    expect((await sessions.get(id))?.session.openRequests).toEqual([]);
    await expect(sessions.answer(id, 'r1', 'yes')).rejects.toMatchObject({ code: 'session_request_unknown' });
    await scripted.latest().say({ kind: 'completed', promptId: 'p1', result: null });
    await answer;
  });

  it('gives every follower each entry once and in order, wherever it joins', async () => {
    const { sessions, id } = await started();
    const stop = new AbortController();
    const seen = [0, 3, 50].map((since) => {
      const entries: number[] = [];
      void (async () => {
        for await (const page of sessions.follow(id, since, stop.signal)) entries.push(...page.map((entry) => entry.seq));
      })();
      return { since, entries };
    });
    for (let prompt = 0; prompt < 40; prompt += 1) {
      const answer = sessions.message(id, { id: `p${prompt}`, prompt, wait: 'settled' });
      await settleDown();
      await scripted.latest().say({ kind: 'update', promptId: `p${prompt}`, update: { prompt } });
      await scripted.latest().say({ kind: 'completed', promptId: `p${prompt}`, result: null });
      await answer;
    }
    await settleDown();
    stop.abort();
    const head = store.journal(id).length;
    for (const { since, entries } of seen)
      expect(entries).toEqual(Array.from({ length: head - since }, (_, index) => since + index + 1));
  });
});
