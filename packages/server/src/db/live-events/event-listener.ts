import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { CompanyId } from '../../supervisor/model/index.js';
import type { Logger } from '../../supervisor/ports/index.js';

/** The channel on which `number_live_events` notifies. */
const channel = 'runbeat_live_events';
const pingMs = 10_000;
const pingTimeoutMs = 5_000;
const reconnectDelaysMs = [100, 500, 2_000, 5_000];

/**
 * One connection that listens for numbered events of all instances. Lost, it is made anew for as long as it is wanted;
 * `onNotice(null)` then says that notices may have been missed.
 */
export interface EventListener {
  isListening(): boolean;
  stop(): Promise<void>;
}

export function startEventListener(options: {
  readonly connectionString: string;
  readonly logger: Logger;
  readonly onNotice: (companyId: CompanyId | null) => void;
}): EventListener {
  const { connectionString, logger, onNotice } = options;
  const stopping = new AbortController();
  /** The listening connection; null while there is none. Written by `listenOnce` alone. */
  let listening: pg.Client | null = null;

  /** Resolves when the connection is lost or the listener stopped; rejects when there was none. */
  async function listenOnce(): Promise<void> {
    const client = new pg.Client({
      connectionString,
      application_name: 'runbeat-events',
      keepAlive: true,
      connectionTimeoutMillis: 5_000,
      query_timeout: pingTimeoutMs,
    });
    const lost = new Promise<void>((resolve) => {
      client.once('error', () => resolve());
      client.once('end', () => resolve());
      stopping.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    client.on('error', (error) => logger.debug({ error: error.message }, 'the connection that listens for events was lost'));
    client.on('notification', (notice) => onNotice((notice.payload ?? null) as CompanyId | null));
    try {
      await client.connect();
      await client.query(`LISTEN ${channel}`);
      listening = client;
      onNotice(null);
      // A peer that went away without a word is noticed by its silence.
      while (!stopping.signal.aborted) {
        const isLost = await Promise.race([lost.then(() => true), delay(pingMs, false, { ref: false })]);
        if (isLost) return;
        await client.query('SELECT 1');
      }
    } finally {
      listening = null;
      await client.end().catch(() => undefined);
    }
  }

  async function run(): Promise<void> {
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        await listenOnce();
        failures = 0;
      } catch (error) {
        failures += 1;
        logger.warn(
          { error: error instanceof Error ? error.message : String(error), failures },
          'cannot listen for events of other instances; trying again',
        );
      }
      if (stopping.signal.aborted) return;
      onNotice(null);
      const waitMs = reconnectDelaysMs[Math.min(failures, reconnectDelaysMs.length - 1)];
      await delay(waitMs, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }

  const running = run();
  return {
    isListening: () => listening !== null,
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
