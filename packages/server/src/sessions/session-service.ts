import { type AdapterV1, type Json, parseAdapterConfig, type RunHandleV1 } from '@runbeat/adapter-sdk';
import {
  type Agent,
  type AgentId,
  type AnswerOf,
  type CompanyId,
  createId,
  type InstanceId,
  type RunPlacement,
  type SessionId,
} from '../supervisor/model/index.js';
import type { AdapterCatalog, Clock, Logger, Metrics } from '../supervisor/ports/index.js';
import type { PromptWait } from './prompt-desk.js';
import type { JournalEntry, Session, SessionPrompt } from './session.js';
import { createSessionActor, type SessionActor } from './session-actor.js';
import { sessionFailures } from './session-failures.js';
import { createSessionFeed, type SessionFeed } from './session-feed.js';
import type { SessionSettings } from './session-settings.js';
import type { SessionStore } from './session-store.js';
import type { WorkerEnvironment } from './session-worker.js';

/** A session and its prompt in flight, as routes show it. */
export interface SessionView {
  readonly session: Session;
  readonly promptInFlight: string | null;
}

/** Sessions of this instance: creates them, finds their actors, and adopts those whose owner is gone. */
export interface SessionService {
  /** With `answerOf` the answer is kept with the session, before its worker starts. */
  create(agent: Agent, options: { readonly isStarted: boolean }, answerOf?: AnswerOf<SessionView>): Promise<SessionView>;
  get(id: SessionId): Promise<SessionView | null>;
  list(query: {
    readonly companyId: CompanyId;
    readonly agentId?: AgentId;
    readonly limit: number;
    readonly cursor: string | null;
  }): Promise<{ readonly items: readonly SessionView[]; readonly nextCursor: string | null }>;
  message(
    id: SessionId,
    input: { readonly id: string; readonly prompt: Json; readonly wait: PromptWait },
  ): Promise<SessionPrompt>;
  getPrompt(id: SessionId, promptId: string): Promise<SessionPrompt | null>;
  cancel(id: SessionId, promptId: string | null): Promise<SessionView>;
  answer(id: SessionId, requestId: string, answer: Json): Promise<SessionView>;
  restart(id: SessionId): Promise<SessionView>;
  /** Ends the worker; with `isFinal` also the session. */
  stop(id: SessionId, options: { readonly isFinal: boolean }): Promise<SessionView>;
  readJournal(id: SessionId, query: { readonly afterSeq: number; readonly limit: number }): Promise<readonly JournalEntry[]>;
  follow: SessionFeed['follow'];
  /** Adopts sessions without a living owner; called at start and on a timer. */
  runOnce(): Promise<number>;
  start(): Promise<void>;
  /** Workers that survive go on. */
  stopAll(): Promise<void>;
}

export interface SessionServiceOptions {
  readonly store: SessionStore;
  readonly adapters: AdapterCatalog;
  /** It changes when the instance lost its lease and registered anew. */
  readonly instanceId: () => InstanceId;
  /** Where the process of a handle was placed; null = in this server. */
  readonly placeOf: (handle: RunHandleV1) => RunPlacement | null;
  readonly getAgent: (id: AgentId) => Promise<Agent | null>;
  /** Secrets resolved and `RUNBEAT_*` variables made, as for a run. */
  readonly prepare: (
    session: Session,
    agent: Agent,
  ) => Promise<{ readonly config: Json; readonly environment: Readonly<Record<string, string>> }>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly settings: SessionSettings;
}

/** A look at a prompt waits this long for what is being stored; a database that is away answers for itself. */
const STORE_WAIT_MS = 2_000;

export function createSessionService(options: SessionServiceOptions): SessionService {
  const { store, clock, settings, logger } = options;
  const feed = createSessionFeed({ store, clock, recentEntries: settings.recentEntries, pollMs: 1_000 });
  /** Actors of the sessions that this instance owns; a session is loaded once, however many ask for it at once. */
  const actors = new Map<SessionId, Promise<SessionActor>>();
  let stopTimer: () => void = () => undefined;
  let isStopping = false;

  async function environmentOf(session: Session, purpose: 'start' | 'recover'): Promise<WorkerEnvironment> {
    const agent = await options.getAgent(session.agentId);
    if (!agent) throw sessionFailures.ended(session.id);
    // A worker that lives is where it was started, whatever the agent's placement says by now.
    const placement = purpose === 'recover' && session.handle ? options.placeOf(session.handle) : agent.runtimeConfig.placement;
    const found = options.adapters.find(session.adapterType, placement, purpose);
    if (!found.found) throw sessionFailures.adapterUnavailable(session.adapterType, found.message);
    const { interactive } = found.adapter;
    if (!interactive) throw sessionFailures.notInteractive(session.adapterType);
    const { config: rawConfig, environment } = await options.prepare(session, agent);
    const parsed = await parseAdapterConfig(found.adapter, rawConfig);
    if (!parsed.ok) throw sessionFailures.configInvalid(agent.id, parsed.issues);
    const config = parsed.value as Json;
    if (interactive.protocolFor && interactive.protocolFor(config) === null)
      throw sessionFailures.notInteractive(session.adapterType);
    return {
      interactive,
      config,
      environment,
      agent: { id: agent.id, companyId: agent.companyId, name: agent.name, role: agent.role },
    };
  }

  async function load(session: Session): Promise<SessionActor> {
    return createSessionActor({
      session,
      unsettledPrompts: await store.listUnsettledPrompts(session.id),
      store,
      environment: environmentOf,
      clock,
      logger,
      metrics: options.metrics,
      settings,
      onStored: (entries) => feed.stored(session.id, entries),
      onFenced: () => {
        actors.delete(session.id);
        logger.warn({ sessionId: session.id }, 'another instance took this session over');
      },
    });
  }

  function keep(id: SessionId, loading: Promise<SessionActor>): Promise<SessionActor> {
    actors.set(id, loading);
    // A failed load is tried again by the next caller; this caller gets the failure.
    loading.catch(() => actors.delete(id));
    return loading;
  }

  /** The actor of a session of this instance. A session that nobody alive owns is adopted first. */
  async function actorOf(id: SessionId): Promise<SessionActor> {
    const known = actors.get(id);
    if (known) return known;
    const session = await store.get(id);
    if (!session) throw sessionFailures.notFound(id);
    const again = actors.get(id);
    if (again) return again;
    if (session.endedAt) throw sessionFailures.ended(id);
    await api.runOnce();
    const adopted = actors.get(id);
    if (adopted) return adopted;
    throw sessionFailures.elsewhere(id, session.ownerInstanceId);
  }

  async function adoptAndRecover(orphan: Session): Promise<SessionActor | null> {
    const adopted = await store.adopt(orphan.id, {
      expectedEpoch: orphan.ownerEpoch,
      instanceId: options.instanceId(),
      now: clock.now(),
    });
    if (!adopted) return null;
    const actor = await keep(orphan.id, load(adopted));
    options.metrics.count('sessions_adopted_total');
    await actor.recover();
    return actor;
  }

  /** An agent that takes single runs only is refused before a session is made; secrets need not be known for that. */
  async function requireConversation(adapter: AdapterV1, agent: Agent): Promise<void> {
    const { interactive } = adapter;
    if (!interactive) throw sessionFailures.notInteractive(agent.adapterType);
    const parsed = await parseAdapterConfig(adapter, agent.adapterConfig);
    if (parsed.ok && interactive.protocolFor && interactive.protocolFor(parsed.value) === null)
      throw sessionFailures.notInteractive(agent.adapterType);
  }

  const view = (actor: SessionActor): SessionView => ({ session: actor.session(), promptInFlight: actor.promptInFlight() });

  async function viewOf(session: Session): Promise<SessionView> {
    const actor = await actors.get(session.id)?.catch(() => null);
    if (actor) return view(actor);
    const [prompt] = await store.listUnsettledPrompts(session.id);
    return { session, promptInFlight: prompt?.id ?? null };
  }

  const api: SessionService = {
    async create(agent, { isStarted }, answerOf = null) {
      const found = options.adapters.find(agent.adapterType, agent.runtimeConfig.placement);
      if (!found.found) throw sessionFailures.adapterUnavailable(agent.adapterType, found.message);
      await requireConversation(found.adapter, agent);
      const now = clock.now();
      const session: Session = {
        id: createId<SessionId>(now),
        companyId: agent.companyId,
        agentId: agent.id,
        adapterType: agent.adapterType,
        state: 'stopped',
        reason: 'start',
        detail: null,
        statusSeq: 0,
        headSeq: 0,
        workerId: null,
        ownerInstanceId: options.instanceId(),
        ownerEpoch: 1,
        handle: null,
        outputCursor: null,
        adapterSession: null,
        openRequests: [],
        createdAt: now,
        updatedAt: now,
        endedAt: null,
      };
      await store.create(session, answerOf?.({ session, promptInFlight: null }) ?? null);
      const actor = await keep(session.id, load(session));
      if (isStarted) await actor.start();
      return view(actor);
    },
    async get(id) {
      // What the owner knows is ahead of the row, and needs no look at the database.
      const actor = await actors.get(id)?.catch(() => null);
      if (actor) return view(actor);
      const session = await store.get(id);
      return session && viewOf(session);
    },
    async list(query) {
      const page = await store.list(query);
      return { items: await Promise.all(page.items.map(viewOf)), nextCursor: page.nextCursor };
    },
    message: async (id, input) => (await actorOf(id)).prompt(input),
    async getPrompt(id, promptId) {
      // What `get` tells of the session is ahead of the rows; a prompt must not lag behind it.
      const actor = await actors.get(id)?.catch(() => null);
      if (actor) await within(clock, STORE_WAIT_MS, actor.stored());
      return store.getPrompt(id, promptId);
    },
    async cancel(id, promptId) {
      const actor = await actorOf(id);
      await actor.cancel(promptId);
      return view(actor);
    },
    async answer(id, requestId, answer) {
      const actor = await actorOf(id);
      await actor.answer(requestId, answer);
      return view(actor);
    },
    async restart(id) {
      const actor = await actorOf(id);
      await actor.restart();
      return view(actor);
    },
    async stop(id, stopOptions) {
      const actor = await actorOf(id);
      await actor.stop(stopOptions);
      return view(actor);
    },
    readJournal: (id, query) => store.readJournal(id, query),
    follow: feed.follow,
    async runOnce() {
      let adopted = 0;
      for (const orphan of await store.listOrphans({ now: clock.now(), limit: 200 })) {
        if (isStopping || actors.has(orphan.id)) continue;
        try {
          if (await adoptAndRecover(orphan)) adopted += 1;
        } catch (error) {
          // One session that cannot be taken over must not keep the others waiting.
          logger.error({ err: error, sessionId: orphan.id }, 'a session could not be taken over');
        }
      }
      return adopted;
    },
    async start() {
      await api.runOnce();
      const next = (): void => {
        stopTimer = clock.setTimer(settings.adoptIntervalMs, () => {
          api.runOnce().then(next, (error: unknown) => {
            logger.error({ err: error }, 'sessions without an owner could not be looked for');
            next();
          });
        });
      };
      next();
    },
    async stopAll() {
      isStopping = true;
      stopTimer();
      const loaded = await Promise.allSettled([...actors.values()]);
      await Promise.all(loaded.map((result) => (result.status === 'fulfilled' ? result.value.release() : undefined)));
    },
  };
  return api;
}

/** Resolves with the work, or after `ms` without it. */
function within(clock: Clock, ms: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(ms, resolve);
    work.then(resolve, reject).finally(cancel);
  });
}
