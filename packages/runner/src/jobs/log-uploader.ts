import { runnerLogLimitBytes } from '@runbeat/protocol';
import { planBackoff } from '../connection/backoff.js';
import type { RunnerClock } from '../runner-clock.js';
import type { Spool } from '../spool/spool.js';
import type { JobAnswer } from './job-link.js';

/** Brings one spool to the server: in order, from where the server says, one request at a time. */
export interface LogUploader {
  /** There is something to send, or the connection is back. */
  pump(): void;
  /** Where the server's copy ends, as the server said. */
  rewind(to: number): void;
  ackedEnd(): number;
  /** The log is complete: from now on nothing is gathered. */
  hurry(): void;
  /** Nothing is under way afterwards. */
  stop(): Promise<void>;
}

export interface LogUploaderOptions {
  readonly spool: Spool;
  readonly clock: RunnerClock;
  readonly gatherMs: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  isReady(): boolean;
  send(from: number, body: Buffer): Promise<JobAnswer<{ readonly next: number }>>;
  onFenced(): void;
  /** The server has everything that was accepted so far. */
  onCaughtUp(): void;
  /** The server has more than this disk: it lost what was sent. */
  onDiverged(serverEnd: number): void;
  onError(error: unknown): void;
}

interface Piece {
  readonly from: number;
  readonly body: Buffer;
}

/** Small output is gathered for a moment; this much is sent at once. */
const SEND_AT_ONCE_BYTES = 65_536;

export function createLogUploader(options: LogUploaderOptions): LogUploader {
  const { spool, clock } = options;
  let acked = 0;
  let failures = 0;
  let isStopped = false;
  let isHurried = false;
  let running: Promise<void> | null = null;
  let cancelTimer: (() => void) | null = null;

  const hasWork = (): boolean => acked < spool.writtenEnd() && options.isReady() && !isStopped;

  function later(ms: number): void {
    if (cancelTimer || isStopped) return;
    cancelTimer = clock.setTimer(ms, () => {
      cancelTimer = null;
      start();
    });
  }

  function start(): void {
    if (running || isStopped) return;
    running = loop()
      .catch(options.onError)
      .finally(() => {
        running = null;
        if (hasWork()) later(pauseMs());
      });
  }

  async function loop(): Promise<void> {
    let piece = prepare(acked);
    while (hasWork()) {
      const { from, body } = await piece;
      if (from !== acked) {
        piece = prepare(acked);
        continue;
      }
      if (body.length === 0) return;
      const sending = options.send(from, body);
      // While the server takes this piece the next one is brought to the disk and read.
      piece = prepare(from + body.length);
      const answer = await sending;
      if (isStopped) return;
      if (answer.kind === 'fenced') return options.onFenced();
      if (answer.kind !== 'ok') {
        failures += 1;
        return;
      }
      failures = 0;
      if (answer.body.next > spool.writtenEnd()) return diverge(answer.body.next);
      // A rewind that came in meanwhile is older than this answer.
      acked = answer.body.next;
      if (acked >= spool.end()) options.onCaughtUp();
      else if (spool.writtenEnd() - acked < SEND_AT_ONCE_BYTES && !isHurried) return;
    }
  }

  function prepare(from: number): Promise<Piece> {
    const piece = readDurably(from);
    // Looked at when its turn comes; it may never come.
    piece.catch(() => undefined);
    return piece;
  }

  /** The server must never have a byte that this disk could still lose: it is synced before it is read for sending. */
  async function readDurably(from: number): Promise<Piece> {
    const wanted = Math.min(spool.writtenEnd(), from + runnerLogLimitBytes);
    if (from >= wanted) return { from, body: Buffer.alloc(0) };
    const end = await spool.durableEnd(wanted);
    return { from, body: await spool.read(from, Math.min(runnerLogLimitBytes, end - from)) };
  }

  function diverge(serverEnd: number): void {
    acked = spool.writtenEnd();
    options.onDiverged(serverEnd);
  }

  function pauseMs(): number {
    if (failures === 0) return isHurried ? 0 : options.gatherMs;
    const { retryMinMs, retryMaxMs } = options;
    return planBackoff({
      step: failures,
      retryAfterMs: retryMinMs / 2,
      random: clock.random(),
      firstRetryMs: retryMinMs,
      backoffMinMs: retryMinMs,
      backoffMaxMs: retryMaxMs,
    });
  }

  const pump = (): void => {
    if (!hasWork() || running) return;
    if (spool.writtenEnd() - acked >= SEND_AT_ONCE_BYTES && failures === 0) start();
    else later(pauseMs());
  };

  return {
    pump,
    rewind(to) {
      if (to > spool.writtenEnd()) return diverge(to);
      acked = to;
      failures = 0;
      pump();
      if (acked >= spool.end()) options.onCaughtUp();
    },
    ackedEnd: () => acked,
    hurry() {
      isHurried = true;
      cancelTimer?.();
      cancelTimer = null;
      if (hasWork()) start();
    },
    async stop() {
      isStopped = true;
      cancelTimer?.();
      cancelTimer = null;
      await running;
    },
  };
}
