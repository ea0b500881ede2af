import { liveCloseCodes, type RunSummary, type ServerMessage } from '@runbeat/protocol';
import type { CompanyId, RunId } from '../supervisor/model/index.js';
import type { Clock, LiveFeed, Logger, LogRunKey, Metrics } from '../supervisor/ports/index.js';
import { createEventChannel, type EventChannel } from './event-channel.js';
import { createLiveConnection, type LiveConnection, type LiveTransport } from './live-connection.js';
import type { LiveEventSource } from './live-event-source.js';
import { createLiveFrame } from './live-frame.js';
import type { LiveSettings } from './live-settings.js';
import { createLogTopic, type LogTopic, type LogTopicSource, type Unsubscribe } from './log-topic.js';
import { createStoreReadGate } from './store-read-gate.js';

export interface LiveHubContext {
  /** Named in `hello`; it changes when the instance lost its lease and registered anew. */
  readonly instanceId: () => string;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly events: LiveEventSource;
  readonly logs: LogTopicSource;
  /** Running and queued runs of the company, for a client whose cursor is too old. */
  readonly liveRuns: (companyId: CompanyId) => Promise<RunSummary[]>;
}

/** By what right a connection is open. Connections with the same `id` are asked for once. */
export interface AccessTicket {
  readonly id: string;
  isValid(): Promise<boolean>;
}

/**
 * Everything that is delivered live by this instance. It is also the `LiveFeed` that the supervisor tells of what it
 * stored; those calls only set timers, so that a run never waits for a reader.
 */
export interface LiveHub extends LiveFeed {
  /** False = this instance has as many connections as it may have, or stops. */
  readonly hasRoom: () => boolean;
  /** Takes a transport over. The ticket is asked with every ping interval; a connection whose access ended is closed (4001). */
  connect(transport: LiveTransport, ticket: AccessTicket): LiveConnection;
  /** Only the hello, for a client that wants no events. */
  greet(connection: LiveConnection, cursor: number): void;
  /** Hello, what came after `after`, then live. `after: null` = from now on. */
  followEvents(connection: LiveConnection, companyId: CompanyId, after: number | null): Promise<void>;
  followLog(connection: LiveConnection, run: LogRunKey, afterSeq: number, onCompleted: () => void): Unsubscribe;
  readonly connectionCount: () => number;
  /** Closes every connection (1001) and stops all timers. Resolves when the sockets are gone. */
  close(): Promise<void>;
}

const progressCheckMs = 1_000;

export function createLiveHub(context: LiveHubContext): LiveHub {
  const { settings, clock, logger, metrics } = context;
  const gate = createStoreReadGate(settings.concurrentStoreReads);
  const connections = new Map<LiveConnection, AccessTicket>();
  const channels = new Map<CompanyId, EventChannel>();
  const topics = new Map<RunId, LogTopic>();
  let isClosed = false;

  const resyncFrame = async (companyId: CompanyId, cursor: number) =>
    createLiveFrame({ type: 'resync', cursor, runs: await context.liveRuns(companyId) }, cursor);

  const channelOf = (companyId: CompanyId): EventChannel => {
    const existing = channels.get(companyId);
    if (existing) return existing;
    const channel = createEventChannel({
      companyId,
      source: context.events,
      settings,
      clock,
      logger,
      gate,
      resyncFrame: (cursor) => resyncFrame(companyId, cursor),
      onEmpty: () => {
        channels.delete(companyId);
        channel.close();
      },
    });
    channels.set(companyId, channel);
    return channel;
  };
  const topicOf = (run: LogRunKey): LogTopic => {
    const { runId } = run;
    const existing = topics.get(runId);
    if (existing) return existing;
    const topic = createLogTopic({
      run,
      source: context.logs,
      settings,
      clock,
      logger,
      gate,
      onEmpty: () => {
        topics.delete(runId);
        topic.close();
      },
    });
    topics.set(runId, topic);
    return topic;
  };
  const stopListening = context.events.onAdded((companyId) => {
    if (companyId === null) for (const channel of channels.values()) channel.wake();
    else channels.get(companyId)?.wake();
  });
  const endWithoutAccess = async (): Promise<void> => {
    const validity = new Map<string, boolean>();
    for (const [connection, ticket] of [...connections]) {
      try {
        const isValid = validity.get(ticket.id) ?? (await gate.run(() => ticket.isValid()));
        validity.set(ticket.id, isValid);
        if (!isValid) connection.close(liveCloseCodes.accessEnded, 'the key was revoked or has expired', 'access_ended');
      } catch (error) {
        logger.warn({ err: error }, 'Could not check whether a live connection may stay; it is asked again');
        return;
      }
    }
  };
  const greet = (connection: LiveConnection, cursor: number): void => {
    const instanceId = context.instanceId();
    connection.send(createLiveFrame({ type: 'hello', cursor, instanceId, pingIntervalMs: settings.pingIntervalMs }, cursor));
  };
  let cancelPing = (): void => undefined;
  const pingLoop = (): void => {
    const message: ServerMessage = { type: 'ping', at: clock.now().toISOString() };
    const frame = createLiveFrame(message);
    for (const connection of connections.keys()) connection.ping(frame);
    void endWithoutAccess();
    cancelPing = clock.setTimer(settings.pingIntervalMs, pingLoop);
  };
  cancelPing = clock.setTimer(settings.pingIntervalMs, pingLoop);
  let cancelProgress = (): void => undefined;
  const progressLoop = (): void => {
    for (const connection of connections.keys()) connection.checkProgress();
    cancelProgress = clock.setTimer(progressCheckMs, progressLoop);
  };
  cancelProgress = clock.setTimer(progressCheckMs, progressLoop);

  return {
    eventsCommitted: (companyId) => context.events.eventsCommitted(companyId),
    logAppended: (runId, records) => topics.get(runId)?.appended(records),
    hasLogReaders: (runId) => topics.has(runId),
    logCompleted: (runId) => topics.get(runId)?.completed(),
    hasRoom: () => !isClosed && connections.size < settings.connectionLimit,
    connect(transport, ticket) {
      const connection = createLiveConnection(transport, { settings, clock });
      connections.set(connection, ticket);
      metrics.gauge('live_connections', connections.size);
      connection.onClosed((end) => {
        connections.delete(connection);
        metrics.gauge('live_connections', connections.size);
        metrics.count('live_connections_ended_total', { transport: transport.kind, reason: end });
      });
      return connection;
    },
    greet,
    followEvents: (connection, companyId, after) =>
      channelOf(companyId).attach(connection, after, (cursor) => greet(connection, cursor)),
    followLog: (connection, run, afterSeq, onCompleted) => topicOf(run).subscribe(connection, afterSeq, onCompleted),
    connectionCount: () => connections.size,
    async close() {
      isClosed = true;
      stopListening();
      cancelPing();
      cancelProgress();
      const gone = [...connections.keys()].map(
        (connection) => new Promise<void>((resolve) => connection.onClosed(() => resolve())),
      );
      for (const connection of connections.keys()) connection.close(liveCloseCodes.goingAway, 'the server stops', 'server');
      await Promise.all(gone);
      for (const channel of channels.values()) channel.close();
      for (const topic of topics.values()) topic.close();
      channels.clear();
      topics.clear();
    },
  };
}
