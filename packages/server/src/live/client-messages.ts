import { clientMessageSchema, liveCloseCodes } from '@runbeat/protocol';
import type { RawData } from 'ws';
import type { SessionService } from '../sessions/index.js';
import type { CompanyId, Run, RunId, SessionId } from '../supervisor/model/index.js';
import type { Logger } from '../supervisor/ports/index.js';
import type { LiveConnection } from './live-connection.js';
import { createLiveFrame } from './live-frame.js';
import type { LiveHub } from './live-hub.js';
import type { Unsubscribe } from './log-topic.js';
import { followSession } from './session-subscription.js';

/** Longest message of a client. */
export const messageLimitBytes = 16_384;
/** A client that sends faster than it is served is disconnected. */
const waitingMessageLimit = 200;

export interface ClientMessageContext {
  readonly connection: LiveConnection;
  /** Rows of other companies do not exist for this connection. */
  readonly companyId: CompanyId;
  readonly hub: Pick<LiveHub, 'followLog'>;
  readonly findRun: (id: RunId) => Promise<Run | null>;
  readonly sessions: Pick<SessionService, 'get' | 'follow'>;
  readonly subscriptionLimit: number;
  readonly logger: Logger;
}

/** What one client says, served in order. */
export interface ClientMessageHandler {
  receive(data: RawData, isBinary: boolean): void;
}

export function createClientMessageHandler(context: ClientMessageContext): ClientMessageHandler {
  const { connection, hub, logger } = context;
  /** By the id of the run or session; ids of both are unique. */
  const subscriptions = new Map<RunId | SessionId, Unsubscribe>();
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();

  const refuse = (code: string, message: string, runId: string | null): void => {
    if (connection.isWritable) connection.send(createLiveFrame({ type: 'error', code, message, runId }));
  };
  const end = (id: RunId | SessionId): void => {
    subscriptions.get(id)?.();
    subscriptions.delete(id);
  };
  const hasRoom = (runId: RunId | null): boolean => {
    if (subscriptions.size < context.subscriptionLimit) return true;
    refuse(
      'request_invalid',
      `One connection may follow ${context.subscriptionLimit} runs and sessions; unsubscribe from one.`,
      runId,
    );
    return false;
  };
  const subscribe = async (runId: RunId, afterSeq: number): Promise<void> => {
    const run = await context.findRun(runId);
    if (!connection.isOpen) return;
    if (run === null || run.companyId !== context.companyId) {
      refuse('run_not_found', `There is no run with the id ${runId}.`, runId);
      return;
    }
    // A second subscription to the same run replaces the first: it says where to begin anew.
    end(runId);
    if (!hasRoom(runId)) return;
    const unsubscribe = hub.followLog(connection, { companyId: run.companyId, runId }, afterSeq, () => {
      if (subscriptions.get(runId) === unsubscribe) subscriptions.delete(runId);
    });
    subscriptions.set(runId, unsubscribe);
  };
  const subscribeToSession = async (sessionId: SessionId, since: number): Promise<void> => {
    const view = await context.sessions.get(sessionId);
    if (!connection.isOpen) return;
    if (view?.session.companyId !== context.companyId) {
      refuse('session_not_found', `There is no session with the id ${sessionId}.`, null);
      return;
    }
    end(sessionId);
    if (hasRoom(null))
      subscriptions.set(sessionId, followSession({ sessions: context.sessions, connection, sessionId, since, logger }));
  };
  const serve = async (text: string): Promise<void> => {
    const parsed = clientMessageSchema.safeParse(jsonOrUndefined(text));
    if (!parsed.success) {
      refuse('request_invalid', 'Say { "subscribe": { "runId", "afterSeq" } } or { "unsubscribe": { "runId" } }.', null);
      return;
    }
    const message = parsed.data;
    if ('subscribe' in message) {
      if ('runId' in message.subscribe) await subscribe(message.subscribe.runId as RunId, message.subscribe.afterSeq);
      else await subscribeToSession(message.subscribe.sessionId as SessionId, message.subscribe.since);
    } else if ('runId' in message.unsubscribe) end(message.unsubscribe.runId as RunId);
    else end(message.unsubscribe.sessionId as SessionId);
  };

  return {
    receive(data, isBinary) {
      if (!connection.isOpen) return;
      if (waiting >= waitingMessageLimit) {
        connection.close(liveCloseCodes.policyViolation, 'too many messages at once', 'server');
        return;
      }
      const text = isBinary ? '' : String(data);
      waiting += 1;
      last = last
        .then(() => serve(text))
        .catch((error: unknown) => {
          logger.warn({ err: error }, 'A message of a live client could not be served');
          refuse('database_unavailable', 'This cannot be looked up now; try again.', null);
        })
        .finally(() => {
          waiting -= 1;
        });
    },
  };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What is no JSON is refused like any other message that the schema does not know.
    return undefined;
  }
}
