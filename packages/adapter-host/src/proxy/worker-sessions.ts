import {
  type AdapterError,
  type InteractiveV1,
  isAdapterError,
  type Json,
  type SessionContextV1,
  type SessionWorkerV1,
  type SessionWriteV1,
  type WorkerExitV1,
} from '@runbeat/adapter-sdk';
import { z } from 'zod';
import type { AdapterLifecycle } from '../adapter-lifecycle.js';
import { checkResult } from '../contract/check-result.js';
import { jsonValue } from '../contract/json-value.js';
import { sessionWrite } from '../contract/report-schemas.js';
import { termination } from '../contract/result-schemas.js';
import type { AdapterDescription, CallMethod } from '../worker/messages.js';
import { abandonRunAfterMs } from './abandon-after.js';
import type { RemoteConfig } from './config-memory.js';
import { dataOf } from './context-data.js';
import type { WorkerConnection } from './worker-connection.js';
import type { WorkerSource } from './worker-source.js';

const opened = z.union([z.object({ isGone: z.literal(true) }), z.object({ isGone: z.literal(false), resumeState: jsonValue })]);
const commanded = z.object({ result: z.unknown(), resumeState: jsonValue.optional() });

export interface RemoteSessionsOptions {
  readonly type: string;
  readonly interactive: NonNullable<AdapterDescription['interactive']>;
  readonly source: WorkerSource;
  readonly lifecycle: AdapterLifecycle;
  readonly remoteConfig: RemoteConfig;
}

/** The `interactive` capability of an adapter that lives in a worker. */
export function createRemoteSessions(options: RemoteSessionsOptions): InteractiveV1 {
  const { interactive, remoteConfig } = options;
  const { protocol } = interactive;
  const protocolFor = (config: unknown) => {
    const known = remoteConfig.protocolFor(config);
    return known === undefined ? protocol : known;
  };
  const open = async (context: SessionContextV1): Promise<SessionWorkerV1> => {
    const worker = await openSession(options, 'session-open', context);
    return checkResult(
      options.type,
      'interactive.open',
      z.custom<SessionWorkerV1>((value) => value !== null),
      worker,
    );
  };
  if (!interactive.canReattach) return { protocol, protocolFor, open };
  return {
    protocol,
    protocolFor,
    open,
    reattach: (context) => openSession(options, 'session-reattach', context),
  };
}

async function openSession(
  options: RemoteSessionsOptions,
  method: 'session-open' | 'session-reattach',
  context: SessionContextV1,
): Promise<SessionWorkerV1 | null> {
  const { type, source, lifecycle, remoteConfig } = options;
  const end = lifecycle.begin();
  try {
    const state: { resumeState: Json } = { resumeState: null };
    const connection = await source.connection(context.signal);
    const call = connection.call({
      method,
      params: { ...dataOf(context), config: remoteConfig.toWire(context.config) },
      signal: context.signal,
      isSession: true,
      abandonAfterMs: abandonRunAfterMs,
      sinks: {
        onSpawn: (handle) => context.onSpawn(handle),
        onEvent: (event) => context.onEvent(event),
        onOutput: (output, mark) => (mark ? context.onOutput(output, mark) : context.onOutput(output)),
        onResumeState: (resumeState) => {
          state.resumeState = resumeState;
        },
      },
    });
    const answer = checkResult(type, 'interactive', opened, await call.settled);
    if (answer.isGone) {
      end();
      return null;
    }
    state.resumeState = answer.resumeState;
    const exited = new Promise<WorkerExitV1>((resolve) => {
      connection.onSessionEnd(call.callId, (ended) => {
        end();
        resolve(isAdapterError(ended) ? exitFromCrash(ended) : ended);
      });
    });
    return createRemoteSession(type, connection, call.callId, state, exited);
  } catch (error) {
    end();
    throw error;
  }
}

function createRemoteSession(
  type: string,
  connection: WorkerConnection,
  session: number,
  state: { resumeState: Json },
  exited: Promise<WorkerExitV1>,
): SessionWorkerV1 {
  const command = async (method: CallMethod, params: Record<string, unknown>): Promise<unknown> => {
    const value = await connection.call({ method, params: { ...params, session } }).settled;
    const answer = checkResult(type, method, commanded, value);
    if (answer.resumeState !== undefined) state.resumeState = answer.resumeState;
    return answer.result;
  };
  const write = async (method: CallMethod, params: Record<string, unknown>): Promise<SessionWriteV1> => {
    try {
      return checkResult(type, method, sessionWrite, await command(method, params));
    } catch (error) {
      // The worker and the pipe that it held are gone; that is what a broken stdin is.
      if (isAdapterError(error) && (error.code === 'adapter_crashed' || error.code === 'adapter_closed')) {
        return { written: false, reason: 'stdin_broken', message: error.message };
      }
      throw error;
    }
  };
  return {
    get resumeState() {
      return state.resumeState;
    },
    prompt: (id, body) => write('session-prompt', { id, body }),
    cancel: (id) => write('session-cancel', { id }),
    answer: (id, body) => write('session-answer', { id, body }),
    async stop({ graceMs }) {
      return checkResult(type, 'stop', termination, await command('session-stop', { graceMs }));
    },
    exited,
  };
}

function exitFromCrash(error: AdapterError): WorkerExitV1 {
  const reason = error.code === 'adapter_closed' ? 'host_shutdown' : 'process_exit';
  return { exitCode: null, signal: null, reason, message: `${error.code}: ${error.message}`, stderrTail: '' };
}
