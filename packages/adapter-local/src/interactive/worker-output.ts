import type { SessionOutputV1 } from '@runbeat/adapter-sdk';
import type { RunFolder } from '../capsule/run-folder.js';
import type { EndPhase } from '../run/end-phase.js';
import { followUntilEnd, type Look, mostOf } from '../spool/follow.js';
import { formatSpoolCursor, type SpoolCursor } from '../spool/spool-cursor.js';
import { openSpoolFile, type SpoolFile } from '../spool/spool-file.js';
import type { Wake } from '../spool/wake.js';
import type { Conversation } from './conversation.js';
import { openSessionLines, type SessionLine } from './session-lines.js';

export interface WorkerOutputOptions {
  readonly folder: RunFolder;
  readonly from: SpoolCursor;
  readonly conversation: Conversation;
  readonly wake: Wake;
  readonly phase: EndPhase;
  readonly limitBytes: number;
  /** Awaited, one at a time. `cursor` = the place behind the output, from which a later host reads on. */
  onOutput(output: SessionOutputV1, cursor: string): Promise<void>;
  /** One of the files has grown over the limit. */
  onFlood(): void;
  readonly detach: AbortSignal;
}

/**
 * Reads what a worker says, message by message, until it has ended; stderr is always drained along with it.
 * @returns whether the worker has ended; false = detached before. Rejects only with what `onOutput` rejects with.
 */
export async function readWorkerOutput(options: WorkerOutputOptions): Promise<boolean> {
  const { folder, phase, conversation, detach } = options;
  const stdout = openSessionLines(folder.stdout, options.from.stdout);
  const stderr = openSpoolFile(folder.stderr, options.from.stderr);
  const handed = { ...options.from };

  const handLine = async (line: SessionLine): Promise<void> => {
    const outputs = conversation.read(line);
    // Of two outputs of one line the first leaves the cursor before the line: cut off in between, it is read again.
    for (const [index, output] of outputs.entries()) {
      if (index === outputs.length - 1) handed.stdout = line.endOffset;
      await options.onOutput(output, formatSpoolCursor(handed));
    }
    handed.stdout = line.endOffset;
  };
  const lookAtStdout = async (): Promise<Look> => {
    const { lines, isFull } = stdout.read();
    for (const line of lines) {
      if (detach.aborted) return 'some';
      await handLine(line);
    }
    if (isFull) return 'full';
    return lines.length > 0 ? 'some' : 'nothing';
  };
  const lookAtStderr = async (): Promise<Look> => {
    const { pieces, isFull } = stderr.read();
    for (const piece of pieces) {
      if (detach.aborted) return 'some';
      handed.stderr = piece.endOffset;
      await options.onOutput({ kind: 'stderr', text: piece.text }, formatSpoolCursor(handed));
    }
    if (isFull) return 'full';
    return pieces.length > 0 ? 'some' : 'nothing';
  };

  try {
    const hasEnded = await followUntilEnd({
      wake: options.wake,
      hasEnded: () => phase.hasEnded(),
      look: async () => mostOf(await lookAtStdout(), await lookAtStderr()),
      async afterLook({ isQuiet }) {
        if (Math.max(stdout.offset, stderr.offset) > options.limitBytes) options.onFlood();
        if (isQuiet) await phase.checkLife();
      },
      detach,
    });
    if (hasEnded) await handRest(stderr, handed, options);
    return hasEnded;
  } finally {
    stdout.close();
    stderr.close();
  }
}

async function handRest(stderr: SpoolFile, handed: SpoolCursor, options: WorkerOutputOptions): Promise<void> {
  const text = stderr.flush();
  if (text !== '') await options.onOutput({ kind: 'stderr', text }, formatSpoolCursor({ ...handed, stderr: stderr.offset }));
}
