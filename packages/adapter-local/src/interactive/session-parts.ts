import type { ProcessHandleV1, SessionContextV1, SessionWorkerV1 } from '@runbeat/adapter-sdk';
import type { Capsule } from '../capsule/launch.js';
import type { RunFolder } from '../capsule/run-folder.js';
import type { LocalConfig } from '../config.js';
import { createEndPhase, type EndPhase } from '../run/end-phase.js';
import type { ProcessSpec } from '../run/process-spec.js';
import { resultSpec } from '../spec-from-config.js';
import type { SpoolCursor } from '../spool/spool-cursor.js';
import { createWake, type Wake } from '../spool/wake.js';
import { type AcpConnection, createAcpConnection } from './acp-connection.js';
import { createAcpDialect } from './acp-dialect.js';
import { type Conversation, createConversation } from './conversation.js';
import type { Dialect } from './dialect.js';
import { createJsonRpcLinesDialect } from './json-rpc-lines-dialect.js';
import type { ProtocolState } from './protocol-state.js';
import { openStdinWriter, type StdinWriter, type StdinWriterOptions } from './stdin-writer.js';
import { createWorker } from './worker.js';

export interface SessionOptions {
  readonly runsDirectory: string;
  readonly stdin?: StdinWriterOptions;
  /** The worker of this folder has ended and all of it was handed on. */
  onEnded(folder: RunFolder): void;
}

/** A capsule with the means to see what becomes of it; made before there is anything to talk to. */
export interface WatchedCapsule {
  readonly folder: RunFolder;
  readonly handle: ProcessHandleV1;
  readonly wake: Wake;
  readonly phase: EndPhase;
}

/**
 * A conversation is followed notice by notice: each may be the answer that somebody waits for. Only a flood is polled,
 * every other millisecond.
 */
const wakeOptions = { pollMs: 2, burst: 200 };

export function watchCapsule(
  context: Pick<SessionContextV1, 'workerId'>,
  folder: RunFolder,
  handle: ProcessHandleV1,
  capsuleExited?: Capsule['exited'],
): WatchedCapsule {
  const wake = createWake(folder.path, wakeOptions);
  const phase = createEndPhase({
    runId: context.workerId,
    folder,
    handle,
    wake,
    sinks: { onAlive: async () => {} },
    ...(capsuleExited === undefined ? {} : { capsuleExited }),
  });
  return { folder, handle, wake, phase };
}

export interface TalkOptions {
  /** Null = the protocol's session has yet to be opened. */
  readonly state: ProtocolState | null;
  readonly promptsInFlight: readonly string[];
  readonly requestsOpen: readonly string[];
  readonly from: SpoolCursor;
}

/** A worker that is listened to, and what is needed to open its conversation. */
export interface TalkingWorker {
  readonly worker: SessionWorkerV1;
  readonly stdin: StdinWriter;
  /** Null for protocols that need no opening. */
  readonly connection: AcpConnection | null;
  /** The conversation is open. */
  begin(state: ProtocolState): void;
}

export function talkTo(
  context: SessionContextV1<LocalConfig>,
  watched: WatchedCapsule,
  talk: TalkOptions,
  options: SessionOptions,
): TalkingWorker {
  let state = talk.state;
  const { folder } = watched;
  const stdin = openStdinWriter(folder, options.stdin);
  const isAcp = context.config.interactive?.protocol === 'acp';
  const connection = isAcp ? createAcpConnection((line) => stdin.write(line)) : null;
  const conversation: Conversation = createConversation({
    connection,
    dialect: state === null ? null : dialectFor(state, context.config),
    promptsInFlight: talk.promptsInFlight,
    requestsOpen: talk.requestsOpen,
  });
  const worker = createWorker({
    ...watched,
    context,
    spec: sessionSpec(context.config),
    conversation,
    stdin,
    from: talk.from,
    resumeState: () => (state?.protocol === 'acp' ? { acpSessionId: state.acpSessionId } : null),
    onClosed(hasEnded) {
      connection?.close();
      if (hasEnded) options.onEnded(folder);
    },
  });
  return {
    worker,
    stdin,
    connection,
    begin(next) {
      state = next;
      conversation.begin(dialectFor(next, context.config));
    },
  };
}

/** The command of a conversation: the config's own, since presets are for single runs. */
export function sessionSpec(config: LocalConfig): ProcessSpec {
  return { ...resultSpec(config), args: config.args };
}

function dialectFor(state: ProtocolState, config: LocalConfig): Dialect {
  if (state.protocol === 'acp') return createAcpDialect(state.acpSessionId);
  const { interactive } = config;
  const methods = interactive?.protocol === 'json-rpc-lines' ? interactive : { promptMethod: 'prompt', cancelMethod: 'cancel' };
  return createJsonRpcLinesDialect(methods);
}
