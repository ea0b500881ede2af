import type { RunSinksV1 } from '@runbeat/adapter-sdk';
import { followUntilEnd, type Look, mostOf } from './follow.js';
import type { Spool } from './open-spool.js';
import { formatSpoolCursor, type SpoolCursor } from './spool-cursor.js';
import type { Wake } from './wake.js';

/** What the tail asks and tells while it follows a run. */
export interface TailOptions {
  /** Closed at the end. */
  readonly spool: Spool;
  readonly onLog: RunSinksV1['onLog'];
  readonly wake: Wake;
  /** Asked before every look: true = nobody of the run will write any more. */
  hasEnded(): boolean | Promise<boolean>;
  /** Called after every look with the bytes read of the larger of both files; and whether nothing had changed. */
  onLook?(look: { readonly largestBytes: number; readonly isQuiet: boolean }): void | Promise<void>;
  /** Aborted = stop following, leave everything as it is. */
  readonly detach: AbortSignal;
}

export interface TailEnd {
  /** False = detached before the end. */
  readonly isComplete: boolean;
  readonly cursor: SpoolCursor;
}

/**
 * Hands on both files from a cursor until the run has ended and both are read to their end, in the order of each
 * stream, awaiting every `onLog`. Rejects only with what `onLog` rejects with.
 */
export async function tailSpool(options: TailOptions): Promise<TailEnd> {
  const { spool } = options;
  const hand = handOn(options);
  try {
    const isComplete = await followUntilEnd({
      wake: options.wake,
      hasEnded: () => options.hasEnded(),
      look: async () => mostOf(await hand('stdout'), await hand('stderr')),
      afterLook: ({ isQuiet }) => options.onLook?.({ largestBytes: Math.max(spool.stdout.offset, spool.stderr.offset), isQuiet }),
      detach: options.detach,
    });
    if (isComplete) await handRest(options);
    return { isComplete, cursor: cursorOf(spool) };
  } finally {
    spool.close();
  }
}

function cursorOf(spool: Spool): SpoolCursor {
  return { stdout: spool.stdout.offset, stderr: spool.stderr.offset };
}

/** Keeps what `onLog` has taken: the cursor with each text names all that went before, of both streams. */
function handOn({ spool, onLog, detach }: TailOptions): (stream: 'stdout' | 'stderr') => Promise<Look> {
  const handed = { stdout: spool.stdout.offset, stderr: spool.stderr.offset };
  const told = { stdout: false, stderr: false };
  return async (stream) => {
    const { pieces, isFull, wasTruncated } = spool[stream].read();
    if (wasTruncated) {
      handed[stream] = 0;
      // Once a run and stream: a script that does it does it for every line.
      if (!told[stream]) await onLog('system', truncated(stream), { cursor: formatSpoolCursor(handed) });
      told[stream] = true;
      return 'some';
    }
    for (const piece of pieces) {
      if (detach.aborted) return 'some';
      handed[stream] = piece.endOffset;
      await onLog(stream, piece.text, { cursor: formatSpoolCursor(handed) });
    }
    if (pieces.length === 0) return 'nothing';
    return isFull ? 'full' : 'some';
  };
}

function truncated(stream: 'stdout' | 'stderr'): string {
  return `The command truncated its ${stream}: what it had written and was not read yet is lost. Write with >&${stream === 'stdout' ? 1 : 2} instead of > /dev/${stream}.\n`;
}

async function handRest({ spool, onLog }: TailOptions): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    const rest = spool[stream].flush();
    if (rest !== '') await onLog(stream, rest, { cursor: formatSpoolCursor(cursorOf(spool)) });
  }
}
