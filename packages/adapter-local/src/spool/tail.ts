import type { RunSinksV1 } from '@runbeat/adapter-sdk';
import type { RunFolder } from '../capsule/run-folder.js';
import { followUntilEnd, type Look, mostOf } from './follow.js';
import { formatSpoolCursor, type SpoolCursor } from './spool-cursor.js';
import { openSpoolFile, type SpoolFile } from './spool-file.js';
import type { Wake } from './wake.js';

/** What the tail asks and tells while it follows a run. */
export interface TailOptions {
  readonly folder: RunFolder;
  readonly from: SpoolCursor;
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
  const files: SpoolFiles = {
    stdout: openSpoolFile(options.folder.stdout, options.from.stdout),
    stderr: openSpoolFile(options.folder.stderr, options.from.stderr),
  };
  const hand = handOn(options);
  try {
    const isComplete = await followUntilEnd({
      wake: options.wake,
      hasEnded: () => options.hasEnded(),
      look: async () => mostOf(await hand('stdout', files.stdout), await hand('stderr', files.stderr)),
      afterLook: ({ isQuiet }) => options.onLook?.({ largestBytes: Math.max(files.stdout.offset, files.stderr.offset), isQuiet }),
      detach: options.detach,
    });
    if (isComplete) await handRest(files, options);
    return { isComplete, cursor: cursorOf(files) };
  } finally {
    files.stdout.close();
    files.stderr.close();
  }
}

type SpoolFiles = Readonly<Record<'stdout' | 'stderr', SpoolFile>>;

function cursorOf(files: SpoolFiles): SpoolCursor {
  return { stdout: files.stdout.offset, stderr: files.stderr.offset };
}

/** Keeps what `onLog` has taken: the cursor with each text names all that went before, of both streams. */
function handOn(options: TailOptions): (stream: 'stdout' | 'stderr', file: SpoolFile) => Promise<Look> {
  const handed = { ...options.from };
  return async (stream, file) => {
    const { pieces, isFull } = file.read();
    for (const piece of pieces) {
      if (options.detach.aborted) return 'some';
      Object.assign(handed, { [stream]: piece.endOffset });
      await options.onLog(stream, piece.text, { cursor: formatSpoolCursor(handed) });
    }
    if (pieces.length === 0) return 'nothing';
    return isFull ? 'full' : 'some';
  };
}

async function handRest(files: SpoolFiles, options: TailOptions): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    const rest = files[stream].flush();
    if (rest !== '') await options.onLog(stream, rest, { cursor: formatSpoolCursor(cursorOf(files)) });
  }
}
