import type { SessionService } from '../sessions/index.js';
import type { SessionId } from '../supervisor/model/index.js';
import type { Logger } from '../supervisor/ports/index.js';
import type { LiveConnection } from './live-connection.js';
import { createLiveFrame } from './live-frame.js';
import type { Unsubscribe } from './log-topic.js';

/**
 * Sends a session's journal behind `since`, and what follows, to one connection. It pulls from the journal only when the
 * connection has room, so that a client that does not read holds nothing.
 */
export function followSession(options: {
  readonly sessions: Pick<SessionService, 'follow'>;
  readonly connection: LiveConnection;
  readonly sessionId: SessionId;
  readonly since: number;
  readonly logger: Logger;
}): Unsubscribe {
  const { connection, sessionId, logger } = options;
  const stop = new AbortController();
  connection.onClosed(() => stop.abort());
  const deliver = async (): Promise<void> => {
    for await (const entries of options.sessions.follow(sessionId, options.since, stop.signal)) {
      if (!connection.isWritable) await connection.whenDrained();
      if (stop.signal.aborted || !connection.isOpen) return;
      const frame = createLiveFrame(
        {
          type: 'session',
          sessionId,
          entries: entries.map(({ seq, at, kind, workerId, promptId, data }) => ({
            seq,
            at: at.toISOString(),
            kind,
            workerId,
            promptId,
            data,
          })),
        },
        // The client gives it back as `Last-Event-ID`.
        entries.at(-1)?.seq,
      );
      connection.send(frame);
    }
  };
  deliver().catch((error: unknown) => {
    if (stop.signal.aborted) return;
    logger.warn({ err: error, sessionId }, 'A session could not be followed for a client');
    // The client sees the end of its subscription and begins anew behind the last seq that it has.
    connection.send(
      createLiveFrame({
        type: 'error',
        code: 'database_unavailable',
        message: 'The session cannot be read now; subscribe again.',
        runId: null,
      }),
    );
  });
  return () => stop.abort();
}
