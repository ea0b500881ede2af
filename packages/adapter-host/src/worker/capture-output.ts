import { createUtf8Decoder } from '@runbeat/adapter-sdk';

/** Text that may wait for the host before a write to stdout or stderr blocks, as a full pipe would. UTF-16 units. */
const PENDING_LIMIT = 1024 * 1024;
/** A host that takes nothing for so long is gone or stuck; the text is dropped and counted rather than wait for ever. */
const BLOCKED_LIMIT_MS = 10_000;

type Stream = 'stdout' | 'stderr';

/**
 * Sends what the adapter writes to stdout and stderr to the host at once. The engine's own streams of a worker hold
 * text back until the worker's event loop turns, and lose it when the worker is ended in an endless loop.
 */
export function captureOutput(send: (stream: Stream, text: string) => void, outputPending: Int32Array<ArrayBufferLike>): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    const decoder = createUtf8Decoder();
    let droppedLength = 0;
    const deliver = (text: string): void => {
      if (text === '') return;
      if (!waitForRoom(outputPending)) {
        droppedLength += text.length;
        return;
      }
      const notice = droppedLength === 0 ? '' : `[${droppedLength} characters dropped: the host took no output]\n`;
      droppedLength = 0;
      Atomics.add(outputPending, 0, notice.length + text.length);
      send(stream, notice + text);
    };
    const write = (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
      deliver(typeof chunk === 'string' ? chunk : chunk instanceof Uint8Array ? decoder.push(chunk) : String(chunk));
      const done = typeof encoding === 'function' ? encoding : callback;
      if (typeof done === 'function') queueMicrotask(() => done());
      return true;
    };
    process[stream].write = write as typeof process.stdout.write;
  }
}

function waitForRoom(outputPending: Int32Array<ArrayBufferLike>): boolean {
  const deadline = performance.now() + BLOCKED_LIMIT_MS;
  for (;;) {
    const pending = Atomics.load(outputPending, 0);
    if (pending < PENDING_LIMIT) return true;
    const left = deadline - performance.now();
    if (left <= 0) return false;
    Atomics.wait(outputPending, 0, pending, left);
  }
}
