import type { CompanyId, LiveEvent } from '../supervisor/model/index.js';
import type { Clock, Logger } from '../supervisor/ports/index.js';
import type { LiveConnection } from './live-connection.js';
import type { LiveEventSource } from './live-event-source.js';
import { createLiveFrame, type LiveFrame } from './live-frame.js';
import type { LiveSettings } from './live-settings.js';
import type { StoreReadGate } from './store-read-gate.js';

export interface EventChannelContext {
  readonly companyId: CompanyId;
  readonly source: LiveEventSource;
  readonly settings: LiveSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly gate: StoreReadGate;
  /** The message that tells how things stand now; `cursor` was read before the snapshot. */
  readonly resyncFrame: (cursor: number) => Promise<LiveFrame>;
  /** The last reader left. */
  readonly onEmpty: () => void;
}

/**
 * A company's events on this instance: reads each event once and gives the same frame to everybody who is up to date.
 *
 * A reader is `live` (its cursor is `head`, frames are pushed to it) or `catching-up` (it reads from the source at its
 * own pace). It becomes live only in the synchronous step that finds its cursor at `head`, and stops being live in the
 * step that finds its queue full, so that no event can fall between the two.
 */
export interface EventChannel {
  /** Starts delivery behind `after`, or behind the newest event when it is null. Rejects when the source cannot be read. */
  attach(connection: LiveConnection, after: number | null, sendHello: (cursor: number) => void): Promise<void>;
  /** Events may have been added. */
  wake(): void;
  readonly readerCount: number;
  close(): void;
}

interface Reader {
  readonly connection: LiveConnection;
  cursor: number;
  isLive: boolean;
}

/** The source failed: asked again after this long. */
const retryMs = 500;

export function createEventChannel(context: EventChannelContext): EventChannel {
  const { companyId, source, settings, clock, logger, gate } = context;
  const readers = new Set<Reader>();
  /** Id of the last event that was pushed; null until the first reader's attach has read it. Written by `attach` and `readOn`. */
  let head: number | null = null;
  let isReading = false;
  let isWoken = false;
  let isClosed = false;
  let cancelTimer: (() => void) | null = null;

  const frameOf = (events: readonly LiveEvent[]): LiveFrame =>
    createLiveFrame({ type: 'events', events: events.map(wireEvent) }, events.at(-1)?.id);

  const push = (events: readonly LiveEvent[]): void => {
    const last = events.at(-1);
    if (!last) return;
    const frame = frameOf(events);
    const previousHead = head ?? 0;
    head = last.id;
    for (const reader of readers) {
      if (!reader.isLive || reader.cursor >= last.id) continue;
      if (reader.connection.isWritable) {
        // A reader may be ahead of `head`: it attached, or was told how things stand, after the last push.
        const isAhead = reader.cursor > previousHead;
        reader.connection.send(isAhead ? frameOf(events.filter(({ id }) => id > reader.cursor)) : frame);
        reader.cursor = last.id;
      } else {
        reader.isLive = false;
        startCatchUp(reader);
      }
    }
  };
  const readOn = async (): Promise<void> => {
    isReading = true;
    isWoken = false;
    try {
      while (!isClosed && head !== null) {
        const events = await source.read(companyId, { afterId: head, limit: settings.eventsPerFrame });
        push(events);
        if (events.length < settings.eventsPerFrame) break;
      }
    } catch (error) {
      logger.warn({ err: error, companyId }, 'Live events could not be read; trying again');
      schedule(retryMs);
    } finally {
      isReading = false;
      if (isWoken) schedule(settings.gatherMs);
    }
  };
  const schedule = (delayMs: number): void => {
    if (cancelTimer || isClosed) return;
    cancelTimer = clock.setTimer(delayMs, () => {
      cancelTimer = null;
      if (!isReading) void readOn();
    });
  };
  const startCatchUp = (reader: Reader): void => {
    void catchUp(reader).catch((error: unknown) => {
      logger.warn({ err: error, companyId }, 'A reader of live events could not catch up and is disconnected');
      reader.connection.close(1011, 'events cannot be read now; reconnect', 'server');
    });
  };
  const catchUp = async (reader: Reader): Promise<void> => {
    const { connection } = reader;
    while (!isClosed) {
      await connection.whenDrained();
      if (!connection.isOpen) return;
      if (head !== null && reader.cursor >= head) {
        reader.isLive = true;
        return;
      }
      const events = await gate.run(() => source.read(companyId, { afterId: reader.cursor, limit: settings.eventsPerFrame }));
      const first = events[0];
      if (first && first.id !== reader.cursor + 1) await resync(reader);
      else if (events.length === 0 && head !== null && head > reader.cursor) await resync(reader);
      else if (first) {
        connection.send(frameOf(events));
        reader.cursor = events.at(-1)?.id ?? reader.cursor;
      }
    }
  };
  /** What lies between was pruned: the reader is told how things stand. */
  const resync = async (reader: Reader): Promise<void> => {
    const { newestId } = await source.bounds(companyId);
    reader.connection.send(await context.resyncFrame(newestId));
    reader.cursor = newestId;
    if (head !== null && newestId > head) wakeNow();
  };
  const wakeNow = (): void => {
    if (isReading) isWoken = true;
    else schedule(settings.gatherMs);
  };

  return {
    async attach(connection, after, sendHello) {
      const { oldestId, newestId } = await gate.run(() => source.bounds(companyId));
      if (!connection.isOpen || isClosed) return;
      // Another attach may have come first; `head` never goes back.
      head ??= newestId;
      const reader: Reader = { connection, cursor: after ?? newestId, isLive: false };
      readers.add(reader);
      connection.onClosed(() => {
        readers.delete(reader);
        if (readers.size === 0) context.onEmpty();
      });
      const isUnknown = reader.cursor > newestId || reader.cursor < (oldestId ?? newestId + 1) - 1;
      sendHello(isUnknown ? newestId : reader.cursor);
      if (isUnknown) await resync(reader);
      startCatchUp(reader);
      wakeNow();
    },
    wake: wakeNow,
    get readerCount() {
      return readers.size;
    },
    close() {
      isClosed = true;
      cancelTimer?.();
    },
  };
}

function wireEvent(event: LiveEvent) {
  return { id: event.id, type: event.type, data: event.data ?? null, at: event.at.toISOString() };
}
