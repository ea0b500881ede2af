import { wireLogRecord } from '../../live/log-topic.js';
import type { LogReadQuery, LogRecord, LogRunKey, LogStore } from '../../supervisor/ports/index.js';

const chunkBytes = 512_000;

/**
 * The log from where the query begins up to where it ended when the first page was read, in pieces of about
 * `chunkBytes`. Only one piece is in memory; the next is read when the socket took the last.
 */
export async function* logChunks(
  logStore: LogStore,
  run: LogRunKey,
  start: LogReadQuery,
  format: 'text' | 'ndjson',
): AsyncGenerator<string, void> {
  const { stream } = start;
  const first = await logStore.read(run, { ...start, limitBytes: chunkBytes });
  yield textOf(first.records, format);
  let offset = first.nextOffset;
  while (offset < first.endOffset) {
    const query = { offset, limitBytes: chunkBytes, ...(stream === undefined ? {} : { stream }) };
    if (format === 'text') {
      const piece = await logStore.readText(run, query);
      yield piece.text;
      if (piece.nextOffset <= offset) return;
      offset = piece.nextOffset;
    } else {
      const page = await logStore.read(run, query);
      yield textOf(page.records, format);
      if (page.nextOffset <= offset) return;
      offset = page.nextOffset;
    }
  }
}

export function textOf(records: readonly LogRecord[], format: 'text' | 'ndjson'): string {
  return format === 'text'
    ? records.map(({ text }) => text).join('')
    : records.map((record) => `${JSON.stringify(wireLogRecord(record))}\n`).join('');
}
