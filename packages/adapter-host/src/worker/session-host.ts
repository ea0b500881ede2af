import { type AdapterV1, assertNever, type Json, type SessionWorkerV1, type WorkerExitV1 } from '@runbeat/adapter-sdk';
import { hostError } from '../adapter-host-error.js';
import { isJson } from '../contract/json-value.js';
import { workerExit } from '../contract/result-schemas.js';
import { sessionSinks } from './call-contexts.js';
import type { CallMethod, WorkerMessage } from './messages.js';
import type { WorkerCall } from './worker-call.js';

type SessionCommand = Extract<CallMethod, 'session-prompt' | 'session-cancel' | 'session-answer' | 'session-stop'>;

/** The live conversations of this worker, each known by the id of the call that opened it. */
export interface SessionHost {
  /** Whether the call's reports go on: the session is open, or being opened. */
  isOpen(callId: number): boolean;
  open(call: WorkerCall, context: Record<string, unknown>): Promise<OpenedSession>;
  command(method: SessionCommand, params: { session: number; [key: string]: unknown }): Promise<unknown>;
}

/** `isGone`: `reattach` found nothing to take over. */
export type OpenedSession = { readonly isGone: true } | { readonly isGone: false; readonly resumeState: Json };

interface Session {
  readonly worker: SessionWorkerV1;
  /** As JSON; what the host was told last. */
  lastResumeState: string;
}

export function createSessionHost(
  adapter: AdapterV1,
  host: { post(message: WorkerMessage): void; forget(callId: number): void },
): SessionHost {
  const sessions = new Map<number, Session>();

  const resumeStateOf = (worker: SessionWorkerV1): Json => (isJson(worker.resumeState) ? worker.resumeState : null);
  /** Empty when the host knows the state already. */
  const changedResumeState = (session: Session | undefined): { resumeState?: Json } => {
    if (!session) return {};
    const resumeState = resumeStateOf(session.worker);
    const text = JSON.stringify(resumeState);
    if (text === session.lastResumeState) return {};
    session.lastResumeState = text;
    return { resumeState };
  };

  const follow = async (call: WorkerCall, worker: SessionWorkerV1): Promise<void> => {
    const { callId } = call.message;
    const exit = await worker.exited.then(exitOf, (error: unknown) => exitOf({ error: String(error) }));
    // An output that the host refused was told to the adapter; the end of the session is told in any case.
    await call.channel.drain().catch(() => undefined);
    sessions.delete(callId);
    host.forget(callId);
    host.post({ type: 'session-exited', callId, exit });
  };

  return {
    isOpen: (callId) => sessions.has(callId),
    async open(call, context) {
      const { interactive } = adapter;
      if (!interactive) throw hostError('adapter_invalid', `The adapter ${adapter.type} holds no conversations.`);
      const { callId } = call.message;
      const sinks = sessionSinks(call.channel, () => changedResumeState(sessions.get(callId)));
      const full = { ...context, ...sinks } as never;
      const worker =
        call.message.method === 'session-open' ? await interactive.open(full) : ((await interactive.reattach?.(full)) ?? null);
      if (worker === null) return { isGone: true };
      const resumeState = resumeStateOf(worker);
      sessions.set(callId, { worker, lastResumeState: JSON.stringify(resumeState) });
      void follow(call, worker);
      return { isGone: false, resumeState };
    },
    async command(method, params) {
      const session = sessions.get(params.session);
      if (!session) {
        if (method === 'session-stop') return { result: { stopped: 'already_gone' } };
        return { result: { written: false, reason: 'stdin_broken', message: 'The session has ended.' } };
      }
      const result = await perform(session.worker, method, params);
      return { result, ...changedResumeState(session) };
    },
  };
}

async function perform(worker: SessionWorkerV1, method: SessionCommand, params: Record<string, unknown>): Promise<unknown> {
  const id = String(params['id']);
  switch (method) {
    case 'session-prompt':
      return await worker.prompt(id, params['body'] as Json);
    case 'session-cancel':
      return await worker.cancel(id);
    case 'session-answer':
      return await worker.answer(id, params['body'] as Json);
    case 'session-stop':
      return await worker.stop({ graceMs: Number(params['graceMs']) });
    default:
      return assertNever(method, 'session command');
  }
}

/** What the adapter said of the end, or, when that is of no known shape, that the process is gone. */
function exitOf(rawExit: unknown): WorkerExitV1 {
  const exit = workerExit.safeParse(rawExit);
  if (exit.success) return exit.data;
  const message = `The adapter told the end of its process in a wrong shape: ${exit.error.message}`;
  return { exitCode: null, signal: null, reason: 'process_exit', message, stderrTail: '' };
}
