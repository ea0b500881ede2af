import { splitText } from '@runbeat/adapter-sdk';

/** Keeps a run's log below its limit. What is beyond is dropped and counted; the run goes on. */
export interface LogLimit {
  /** The part of `text` that may still be stored, with its bytes; `isNowFull` once, when the first byte was dropped. */
  admit(text: string): { readonly text: string; readonly bytes: number; readonly isNowFull: boolean };
  readonly droppedBytes: number;
}

/** The most bytes of one character: a log this close to its limit counts as full, since a character is never split. */
const characterBytes = 4;

export function createLogLimit(limitBytes: number, usedBytes: number): LogLimit {
  let used = usedBytes;
  let isFull = used + characterBytes > limitBytes;
  let droppedBytes = 0;
  return {
    admit(text) {
      const bytes = Buffer.byteLength(text);
      if (!isFull && used + bytes <= limitBytes) {
        used += bytes;
        return { text, bytes, isNowFull: false };
      }
      const left = limitBytes - used;
      const kept = isFull || left < characterBytes ? '' : (splitText(text, left)[0] ?? '');
      const keptBytes = Buffer.byteLength(kept);
      const isNowFull = !isFull;
      isFull = true;
      used += keptBytes;
      droppedBytes += bytes - keptBytes;
      return { text: kept, bytes: keptBytes, isNowFull };
    },
    get droppedBytes() {
      return droppedBytes;
    },
  };
}
