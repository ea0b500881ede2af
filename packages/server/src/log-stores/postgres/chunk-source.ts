import type { Executor } from '../../db/executor.js';
import type { LogPosition, LogRunKey } from '../../supervisor/ports/index.js';
import { entriesFromBlock } from '../log-entry.js';
import { isAtOrBehind, type LogSource } from '../reading/log-source.js';
import { readFirstIndexChunks, readIndexChunksAfter, readIndexChunksBackward, readTextChunks } from './log-statements.js';

const firstChunks = 4;
const mostChunks = 64;

/** A log in the database, up to the end that it had when it was asked for. */
export function chunkSource(executor: Executor, run: LogRunKey, end: LogPosition): LogSource {
  /** The text that was read last: whoever goes backwards asks for one record of it after the other. */
  let cached = { from: 0, bytes: Buffer.alloc(0) };
  return {
    endOffset: end.endOffset,
    async *entriesFrom(start) {
      let chunks = await readFirstIndexChunks(executor, run, start, end.lastSeq, firstChunks);
      for (let limit = firstChunks * 2; chunks.length > 0; limit = Math.min(limit * 2, mostChunks)) {
        for (const chunk of chunks) yield entriesFromBlock(chunk.bytes).filter((entry) => isAtOrBehind(entry, start));
        const last = chunks.at(-1)?.firstSeq ?? end.lastSeq;
        chunks = await readIndexChunksAfter(executor, run, 0, last, end.lastSeq, limit);
      }
    },
    async *entriesBackward() {
      for (let lastSeq = end.lastSeq; lastSeq > 0; ) {
        const chunks = await readIndexChunksBackward(executor, run, lastSeq, firstChunks);
        if (chunks.length === 0) return;
        for (const chunk of chunks) yield entriesFromBlock(chunk.bytes);
        lastSeq = (chunks.at(-1)?.firstSeq ?? 1) - 1;
      }
    },
    async text(from, to) {
      if (from >= to) return Buffer.alloc(0);
      if (from < cached.from || to > cached.from + cached.bytes.length) {
        const chunks = await readTextChunks(executor, run, from, to);
        cached = { from: chunks[0]?.startOffset ?? from, bytes: Buffer.concat(chunks.map((chunk) => chunk.bytes)) };
      }
      return cached.bytes.subarray(from - cached.from, to - cached.from);
    },
  };
}
