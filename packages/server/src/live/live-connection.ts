import { liveCloseCodes } from '@runbeat/protocol';
import type { Clock } from '../supervisor/ports/index.js';
import type { LiveFrame } from './live-frame.js';
import type { LiveSettings } from './live-settings.js';

/** The socket below a connection. Implementations never throw and never leave an `error` event without a listener. */
export interface LiveTransport {
  readonly kind: 'websocket' | 'sse';
  /** Calls `written` once, when the bytes left this process or never will. */
  write(frame: LiveFrame, written: () => void): void;
  /** Whether the client answers `ping`; if not, silence proves nothing. */
  readonly hasPongs: boolean;
  ping(): void;
  /** Orderly; what is in flight may still arrive. */
  close(code: number, reason: string): void;
  /** At once, without a word. */
  terminate(): void;
}

export type ConnectionEnd = 'client' | 'server' | 'stuck' | 'unanswered' | 'access_ended';

/**
 * One client. States: `open` (frames are queued and written), `closing` (a close was sent; nothing more is queued),
 * `closed` (the socket is gone; every waiter was told). Left only forwards.
 *
 * Producers ask `isWritable` before they send and wait with `whenWritable` when it is false; that is what keeps a slow
 * client from growing the server's memory: a producer that finds the queue full reads from its store later, instead.
 */
export interface LiveConnection {
  readonly isOpen: boolean;
  /** False once `queueLimitBytes` wait. */
  readonly isWritable: boolean;
  readonly queuedBytes: number;
  /** Queues the frame. The caller has asked `isWritable`; one frame may go over the limit. */
  send(frame: LiveFrame): void;
  /** Resolves when at most a quarter of the queue is left, or the connection is no longer open. */
  whenDrained(): Promise<void>;
  onClosed(listener: (end: ConnectionEnd) => void): void;
  close(code: number, reason: string, end: ConnectionEnd): void;
  /** The transport saw a sign of life. */
  alive(): void;
  /** The transport's socket is gone. */
  transportClosed(): void;
  /** Called with every ping interval. */
  ping(frame: LiveFrame): void;
  /** Called about every second: ends a connection that made no progress. */
  checkProgress(): void;
}

export function createLiveConnection(
  transport: LiveTransport,
  context: { readonly settings: LiveSettings; readonly clock: Clock },
): LiveConnection {
  const { settings, clock } = context;
  /** Frames that wait for `inFlightBytes` to fall; written by `send` and `pump` only. */
  const queue: LiveFrame[] = [];
  let queuedBytes = 0;
  let inFlightBytes = 0;
  let lastProgressAtMs = clock.monotonicMs();
  let missedPings = 0;
  let state: 'open' | 'closing' | 'closed' = 'open';
  /** Why it ended; the first reason wins. */
  let end: ConnectionEnd | null = null;
  let cancelTermination: (() => void) | null = null;
  let drainWaiters: (() => void)[] = [];
  const closedListeners: ((end: ConnectionEnd) => void)[] = [];

  const releaseDrainWaiters = (): void => {
    if (state === 'open' && queuedBytes + inFlightBytes > settings.queueLimitBytes / 4) return;
    const waiters = drainWaiters;
    drainWaiters = [];
    for (const release of waiters) release();
  };
  const pump = (): void => {
    while (state === 'open' && inFlightBytes < settings.inFlightLimitBytes) {
      const frame = queue.shift();
      if (!frame) return;
      queuedBytes -= frame.byteLength;
      if (inFlightBytes === 0) lastProgressAtMs = clock.monotonicMs();
      inFlightBytes += frame.byteLength;
      transport.write(frame, () => {
        inFlightBytes -= frame.byteLength;
        lastProgressAtMs = clock.monotonicMs();
        pump();
        releaseDrainWaiters();
      });
    }
  };
  const connection: LiveConnection = {
    get isOpen() {
      return state === 'open';
    },
    get isWritable() {
      return state === 'open' && queuedBytes + inFlightBytes < settings.queueLimitBytes;
    },
    get queuedBytes() {
      return queuedBytes + inFlightBytes;
    },
    send(frame) {
      if (state !== 'open') return;
      queue.push(frame);
      queuedBytes += frame.byteLength;
      pump();
    },
    whenDrained() {
      return new Promise((resolve) => {
        drainWaiters.push(resolve);
        releaseDrainWaiters();
      });
    },
    onClosed(listener) {
      if (state === 'closed') listener(end ?? 'client');
      else closedListeners.push(listener);
    },
    close(code, reason, why) {
      if (state !== 'open') return;
      state = 'closing';
      end ??= why;
      queue.length = 0;
      queuedBytes = 0;
      transport.close(code, reason);
      // A peer that does not read never answers the close.
      cancelTermination = clock.setTimer(1_000, () => transport.terminate());
      releaseDrainWaiters();
    },
    alive() {
      missedPings = 0;
    },
    transportClosed() {
      if (state === 'closed') return;
      state = 'closed';
      end ??= 'client';
      cancelTermination?.();
      queue.length = 0;
      queuedBytes = 0;
      releaseDrainWaiters();
      for (const listener of closedListeners) listener(end);
    },
    ping(frame) {
      if (state !== 'open') return;
      if (transport.hasPongs && missedPings >= settings.missedPingLimit) {
        end ??= 'unanswered';
        transport.terminate();
        return;
      }
      missedPings += 1;
      transport.ping();
      // Whoever has something waiting learns from it that the link lives.
      if (queuedBytes + inFlightBytes === 0) connection.send(frame);
    },
    checkProgress() {
      if (state !== 'open' || queuedBytes + inFlightBytes === 0) return;
      if (clock.monotonicMs() - lastProgressAtMs < settings.stuckLimitMs) return;
      connection.close(liveCloseCodes.tooSlow, 'too slow: nothing was read for a while', 'stuck');
    },
  };
  return connection;
}
