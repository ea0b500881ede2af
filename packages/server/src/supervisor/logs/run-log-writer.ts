import type { LogMarkV1, OutputStreamV1 } from '@runbeat/adapter-sdk';
import type { CompanyId, RunId } from '../model/index.js';
import { createLogBuffer } from './log-buffer.js';
import { createLogLimit } from './log-limit.js';
import type { LogStorageOptions } from './log-storage.js';
import { createLogStorage } from './log-storage.js';
import { createRedactedOutput, type RedactedOutput } from './redacted-output.js';
import { resumePointFromCursor } from './resume-cursor.js';

/** Where a run's log ended, for the run's row. */
export interface LogEnd {
  readonly logBytes: number;
  readonly logCursor: string | null;
  /** Bytes that the limit dropped; 0 = none. */
  readonly droppedBytes: number;
  /** Bytes that could not be stored and were given up; 0 = none. */
  readonly gapBytes: number;
}

/**
 * The one writer of a run's log: redact, limit, gather, store. States: `open` → `finished` (all stored) or `abandoned`
 * (somebody else owns the run, or its end was written without us; nothing is stored any more, `write` rejects).
 */
export interface RunLogWriter {
  /** Opens the log and reads where it ends. Needed before a reattach; otherwise the first write does it. */
  open(): Promise<{ readonly adapterCursor: string | null }>;
  /** Resolves when the text is in the bounded buffer. Order is the order of calls. */
  write(stream: OutputStreamV1, text: string, mark?: LogMarkV1): Promise<void>;
  /**
   * Stores what is buffered, syncs and closes. `detached`: the work goes on, so text that the redactor holds back stays
   * with the source; the stored cursor makes the next owner read it again.
   */
  finish(how: 'ended' | 'detached', options: { readonly limitMs: number }): Promise<LogEnd>;
  /** The server is ending: trouble with the store is waited for no longer than this. */
  hurry(limitMs: number): void;
  /** True while the adapter is made to wait. Its silence is ours then. */
  readonly isHoldingBack: () => boolean;
  abandon(): void;
}

export interface RunLogWriterOptions extends LogStorageOptions {
  readonly run: { readonly id: RunId; readonly companyId: CompanyId };
  readonly secrets: readonly string[];
  readonly isResumable: boolean;
}

export function createRunLogWriter(options: RunLogWriterOptions): RunLogWriter {
  const { clock, settings } = options;
  const storage = createLogStorage(options);
  const buffer = createLogBuffer({
    clock,
    flushMs: settings.logFlushMs,
    flushBytes: settings.logFlushBytes,
    limitBytes: settings.logBufferBytes,
    store: (records, bytes) => storage.append(records, bytes),
  });
  let output: RedactedOutput | null = null;
  let opening: Promise<{ adapterCursor: string | null }> | null = null;
  const fresh = (lastCursor: string | null): RedactedOutput =>
    createRedactedOutput({
      secrets: options.secrets,
      isResumable: options.isResumable,
      resume: resumePointFromCursor(lastCursor),
    });
  let limit = createLogLimit(settings.logLimitBytes, 0);

  const accept = (stream: OutputStreamV1, text: string, cursor: string | null, at: string): void => {
    const admitted = limit.admit(text);
    if (admitted.text !== '') buffer.add({ at, stream, text: admitted.text, cursor }, admitted.bytes);
    if (!admitted.isNowFull) return;
    options.metrics.count('log_limit_exceeded_total');
    const notice = `[runbeat] The log reached its limit of ${settings.logLimitBytes} bytes; what follows is not kept. The run goes on.\n`;
    buffer.add({ at, stream: 'system', text: notice, cursor }, Buffer.byteLength(notice));
  };

  return {
    open() {
      opening ??= storage.open().then((position) => {
        output = fresh(position.lastCursor);
        limit = createLogLimit(settings.logLimitBytes, position.endOffset);
        return { adapterCursor: resumePointFromCursor(position.lastCursor).adapterCursor };
      });
      return opening;
    },
    write(stream, text, mark) {
      output ??= fresh(null);
      const piece = output.take(stream, text, mark?.cursor ?? null);
      if (piece) accept(stream, piece.text, piece.cursor, mark?.at ?? clock.now().toISOString());
      return buffer.hasRoom();
    },
    async finish(how, { limitMs }) {
      if (how === 'ended' && output) {
        const at = clock.now().toISOString();
        for (const piece of output.finish()) accept(piece.stream, piece.text, piece.cursor, at);
      }
      storage.giveUpAfter(limitMs);
      await buffer.drain();
      const end = await storage.close();
      if (limit.droppedBytes > 0) options.metrics.count('log_dropped_bytes_total', {}, limit.droppedBytes);
      return { ...end, droppedBytes: limit.droppedBytes };
    },
    hurry: (limitMs) => storage.giveUpAfter(limitMs),
    isHoldingBack: buffer.isFull,
    abandon() {
      buffer.abandon();
      storage.abandon();
    },
  };
}
