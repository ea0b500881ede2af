import type { Readable } from 'node:stream';
import { createUtf8Decoder, type OutputStreamV1 } from '@runbeat/adapter-sdk';

/** One pipe of a child on its way to the host. */
export interface OutputPump {
  /** Settles when the pipe has ended, or was closed here, and all of it was handed on; rejects with what `onText` does. */
  readonly done: Promise<void>;
  /** True while the child is waited for; false while the host takes its time with a text. */
  readonly isIdle: boolean;
  /** Take nothing more from the pipe. */
  close(): void;
}

export type OnText = (stream: OutputStreamV1, text: string) => Promise<void>;

/** Hands a pipe on as whole characters, awaiting every call: the pipe fills up meanwhile, and the child waits. */
export function createOutputPump(stream: 'stdout' | 'stderr', pipe: Readable, onText: OnText): OutputPump {
  const decoder = createUtf8Decoder();
  let isIdle = true;
  let isClosed = false;

  const pump = async (): Promise<void> => {
    for await (const chunk of chunksOf(pipe)) {
      isIdle = false;
      for (const piece of decoder.pushPieces(chunk)) {
        if (isClosed) return;
        await onText(stream, piece.text);
      }
      isIdle = true;
    }
    const rest = decoder.flush();
    if (rest !== '' && !isClosed) await onText(stream, rest);
  };
  const done = pump();
  // Whoever awaits `done` learns of a failure; nobody has to.
  done.catch(() => {});
  return {
    done,
    get isIdle() {
      return isIdle;
    },
    close() {
      isClosed = true;
      pipe.destroy();
    },
  };
}

/** A pipe that breaks, or that was destroyed here, has ended: its reader has no other use for that. */
async function* chunksOf(pipe: Readable): AsyncGenerator<Buffer> {
  const reader = pipe[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  for (;;) {
    let next: IteratorResult<Buffer>;
    try {
      next = await reader.next();
    } catch {
      return;
    }
    if (next.done === true) return;
    yield next.value;
  }
}
