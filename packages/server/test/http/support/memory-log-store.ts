import { ServerError } from '../../../src/server-error.js';
import type { LogReadQuery, LogRecord, LogRunKey, LogStore } from '../../../src/supervisor/ports/index.js';

/** Logs in memory, with the offsets that the fs store would give: bytes of text. */
export function createMemoryLogStore(): LogStore {
  const logs = new Map<string, LogRecord[]>();
  const of = (run: LogRunKey): LogRecord[] => logs.get(run.runId) ?? [];
  const bytes = (records: readonly LogRecord[]): number => records.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  const position = (records: readonly LogRecord[]) => ({
    lastSeq: records.at(-1)?.seq ?? 0,
    endOffset: bytes(records),
    lastCursor: records.findLast(({ cursor }) => cursor !== null)?.cursor ?? null,
  });
  const startOf = (records: readonly LogRecord[], query: LogReadQuery): number => {
    if (query.afterSeq !== undefined) return Math.min(query.afterSeq, records.length);
    if (query.tailLines !== undefined) {
      let lines = 0;
      let index = records.length;
      while (index > 0 && lines < query.tailLines) {
        index -= 1;
        lines += (records[index]?.text.match(/\n/g) ?? []).length;
      }
      return index;
    }
    let offset = 0;
    for (const [index, record] of records.entries()) {
      if (offset === (query.offset ?? 0)) return index;
      offset += Buffer.byteLength(record.text);
    }
    if (offset === (query.offset ?? 0)) return records.length;
    throw new ServerError('log_offset_invalid', `${query.offset} is no border of this log.`);
  };
  const page = (run: LogRunKey, query: LogReadQuery) => {
    const records = of(run);
    const start = startOf(records, query);
    let end = start;
    let size = 0;
    while (end < records.length) {
      const length = Buffer.byteLength(records[end]?.text ?? '');
      if (end > start && size + length > query.limitBytes) break;
      size += length;
      end += 1;
    }
    const read = records.slice(start, end).filter(({ stream }) => query.stream === undefined || stream === query.stream);
    return { records: read, nextOffset: bytes(records.slice(0, end)), endOffset: bytes(records) };
  };
  return {
    kind: 'memory',
    async openForAppend(run) {
      return {
        position: () => position(of(run)),
        async append(added) {
          const records = of(run);
          const stored = added.map((record, index) => ({ ...record, seq: records.length + index + 1 }));
          logs.set(run.runId, [...records, ...stored]);
          return stored;
        },
        sync: () => Promise.resolve(),
        close: () => Promise.resolve(),
      };
    },
    read: async (run, query) => page(run, query),
    async readText(run, query) {
      const { records, nextOffset, endOffset } = page(run, query);
      return { text: records.map(({ text }) => text).join(''), nextOffset, endOffset };
    },
    position: async (run) => position(of(run)),
    async remove(run) {
      logs.delete(run.runId);
    },
    close: () => Promise.resolve(),
  };
}
