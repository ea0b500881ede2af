import type { RunnerClientHealth, RunnerRegistration, RunnerSessionOpened } from '@runbeat/protocol';
import { type RunnerIdentity, storeIdentity } from '../home/identity.js';
import type { JobTable } from '../jobs/job-table.js';
import type { RunnerClock } from '../runner-clock.js';
import type { RunnerLogger } from '../runner-logger.js';
import type { RunnerTransport, TransportAnswer } from '../transport/runner-transport.js';
import type { ConnectionPeer } from './connection-loop.js';
import type { ConnectionState } from './connection-state.js';
import type { RunnerCalls } from './runner-calls.js';

export interface RunnerPeerOptions {
  readonly calls: RunnerCalls;
  readonly transport: RunnerTransport;
  readonly home: string;
  readonly identity: RunnerIdentity;
  readonly serverUrl: string;
  readonly registrationToken: string;
  readonly instanceId: string;
  readonly bootId: string;
  profile(): Omit<RunnerRegistration, 'token'>;
  readonly requestGraceMs: number;
  readonly stopGraceMs: number;
  readonly clock: RunnerClock;
  readonly logger: RunnerLogger;
  jobs(): JobTable;
  isConnected(): boolean;
  client(): RunnerClientHealth;
  onChange(state: ConnectionState): void;
  onDisconnectedTooLong(): void;
}

const DRAIN_LOOK_MS = 25;

/** Connects the connection loop with the identity on disk, the calls and the jobs. */
export function createRunnerPeer(options: RunnerPeerOptions): ConnectionPeer & { runnerId(): string | null } {
  const { calls, identity, serverUrl, clock, logger } = options;
  let runnerId: string | null = identity.runnerIds[serverUrl] ?? null;

  async function remember(id: string | null): Promise<void> {
    runnerId = id;
    const { [serverUrl]: _before, ...others } = identity.runnerIds;
    await storeIdentity(options.home, { ...identity, runnerIds: id === null ? others : { ...others, [serverUrl]: id } });
  }

  async function register(signal: AbortSignal): Promise<TransportAnswer<never> | null> {
    const body = { token: identity.token, ...options.profile() };
    const answer = await calls.register(options.registrationToken, body, { deadlineMs: options.requestGraceMs, signal });
    if (answer.kind !== 'ok') return answer;
    await remember(answer.body.id);
    logger.info({ runnerId: answer.body.id, server: serverUrl }, 'runner registered');
    return null;
  }

  return {
    runnerId: () => runnerId,
    async openSession({ isTakeover, signal }): Promise<TransportAnswer<RunnerSessionOpened>> {
      if (runnerId === null) {
        const refusal = await register(signal);
        if (refusal !== null) return refusal;
      }
      options.jobs().forgetCommands();
      const answer = await calls.openSession(
        runnerId ?? '',
        {
          ...options.profile(),
          homeId: identity.homeId,
          instanceId: options.instanceId,
          bootId: options.bootId,
          isTakeover,
          jobs: options.jobs().reports(),
        },
        { deadlineMs: options.requestGraceMs, signal },
      );
      // The server forgot us, or never was the one that knew us: the next attempt registers, with the same token.
      if (answer.kind === 'refused' && (answer.code === 'runner_unknown' || answer.status === 401)) await remember(null);
      return answer;
    },
    poll: (session, { cursor, waitMs, signal }) =>
      calls.poll(
        runnerId ?? '',
        { sessionId: session.sessionId, cursor, waitMs, freeSlots: options.jobs().freeSlots() },
        { deadlineMs: waitMs + options.requestGraceMs, signal },
      ),
    heartbeat: (session, signal) =>
      calls.heartbeat(
        runnerId ?? '',
        {
          sessionId: session.sessionId,
          jobs: options.jobs().reports(),
          client: options.client(),
          // With every heartbeat: a change is told at once, and again until it got through.
          adapters: options.profile().adapters,
        },
        { deadlineMs: options.requestGraceMs, signal },
      ),
    resetSockets: () => options.transport.reset(),
    onConnected(session, messages) {
      options.jobs().judge(session.jobs);
      options.jobs().take(messages);
      options.jobs().resume();
    },
    onMessages: (messages) => options.jobs().take(messages),
    onVerdicts: (verdicts) => options.jobs().judge(verdicts),
    async drain() {
      const endMs = clock.monotonicMs() + options.stopGraceMs;
      const pause = (): Promise<void> => new Promise((resolve) => clock.setTimer(DRAIN_LOOK_MS, resolve));
      let isReleased = false;
      const release = options
        .jobs()
        .release()
        .finally(() => {
          isReleased = true;
        });
      while (clock.monotonicMs() < endMs) {
        const { outboxDepth, spoolBytes } = options.jobs().undelivered();
        // Without a session nothing can be delivered: it is on disk, and the next start delivers it.
        if (isReleased && ((outboxDepth === 0 && spoolBytes === 0) || !options.isConnected())) break;
        await pause();
      }
      if (isReleased) await release;
      else logger.warn({ jobs: options.jobs().reports() }, 'work that would not stop in time is left to the next start');
    },
    onDisconnectedTooLong: options.onDisconnectedTooLong,
    onChange: options.onChange,
  };
}
