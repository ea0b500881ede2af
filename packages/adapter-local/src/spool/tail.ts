import type { RunSinksV1 } from '@runbeat/adapter-sdk';
import type { RunFolder } from '../capsule/run-folder.js';
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
  /** Called after every look with the bytes that lie in the larger of both files; and whether nothing had changed. */
  onLook?(look: { readonly largestBytes: number; readonly isQuiet: boolean }): void | Promise<void>;
  /** Aborted = stop following, leave everything as it is. */
  readonly detach: AbortSignal;
}

export interface TailEnd {
  /** False = detached before the end. */
  readonly isComplete: boolean;
  readonly cursor: SpoolCursor;
  readonly largestBytes: number;
}

/**
 * Hands on both files from a cursor until the run has ended and both are read to their end, in the order of each
 * stream, awaiting every `onLog`. Rejects only with what `onLog` rejects with.
 */
export async function tailSpool(options: TailOptions): Promise<TailEnd> {
  const files = {
    stdout: openSpoolFile(options.folder.stdout, options.from.stdout),
    stderr: openSpoolFile(options.folder.stderr, options.from.stderr),
  };
  try {
    return await follow(files, options);
  } finally {
    files.stdout.close();
    files.stderr.close();
  }
}

type SpoolFiles = Record<'stdout' | 'stderr', SpoolFile>;

async function follow(files: SpoolFiles, options: TailOptions): Promise<TailEnd> {
  const cursor = (): SpoolCursor => ({ stdout: files.stdout.offset, stderr: files.stderr.offset });
  const largestBytes = (): number => Math.max(files.stdout.size(), files.stderr.size());
  const hand = handOn(options, { ...options.from });
  let isQuiet = false;
  while (!options.detach.aborted) {
    // Asked before reading: what is read after the end is all there will ever be.
    const hasEnded = await options.hasEnded();
    const out = await hand('stdout', files.stdout);
    const err = await hand('stderr', files.stderr);
    if (hasEnded && out === 'nothing' && err === 'nothing') {
      await handRest(files, options);
      return { isComplete: true, cursor: cursor(), largestBytes: largestBytes() };
    }
    await options.onLook?.({ largestBytes: largestBytes(), isQuiet });
    if (hasEnded) continue;
    if (out === 'full' || err === 'full') {
      // There is more: no wait, but the other runs of this process get their turn.
      await new Promise((resolve) => setImmediate(resolve));
      continue;
    }
    isQuiet = (await options.wake.next(out !== 'nothing' || err !== 'nothing')) === 'quiet';
  }
  return { isComplete: false, cursor: cursor(), largestBytes: largestBytes() };
}

type HandOn = (stream: 'stdout' | 'stderr', file: SpoolFile) => Promise<'nothing' | 'some' | 'full'>;

/** Keeps `handed` = what `onLog` has taken: the cursor with each text names all that went before, of both streams. */
function handOn(options: TailOptions, handed: { stdout: number; stderr: number }): HandOn {
  return async (stream, file) => {
    const { pieces, isFull } = file.read();
    for (const piece of pieces) {
      if (options.detach.aborted) return 'some';
      handed[stream] = piece.endOffset;
      await options.onLog(stream, piece.text, { cursor: formatSpoolCursor(handed) });
    }
    if (pieces.length === 0) return 'nothing';
    return isFull ? 'full' : 'some';
  };
}

async function handRest(files: SpoolFiles, options: TailOptions): Promise<void> {
  for (const stream of ['stdout', 'stderr'] as const) {
    const rest = files[stream].flush();
    if (rest === '') continue;
    const cursor = formatSpoolCursor({ stdout: files.stdout.offset, stderr: files.stderr.offset });
    await options.onLog(stream, rest, { cursor });
  }
}
