import type { LogPosition, LogRecord, LogRunKey, LogStore } from '../ports/index.js';

/** Logs in memory, for tests, with faults on demand. */
export interface MemoryLogStore extends LogStore {
  recordsOf(runId: string): readonly LogRecord[];
  /** All text of a run, or of one of its streams. */
  textOf(runId: string, stream?: LogRecord['stream']): string;
  /** While set, every append rejects with it. */
  failure: Error | null;
  /** While set, appends wait for it. */
  gate: Promise<void> | null;
  /** Appends since the start. */
  readonly appendCount: () => number;
}

interface Log {
  records: LogRecord[];
  bytes: number;
  epoch: number;
}

export function createMemoryLogStore(): MemoryLogStore {
  const logs = new Map<string, Log>();
  let appendCount = 0;
  const positionOf = (log: Log | undefined): LogPosition => ({
    lastSeq: log?.records.at(-1)?.seq ?? 0,
    endOffset: log?.bytes ?? 0,
    lastCursor: log?.records.filter((record) => record.cursor !== null).at(-1)?.cursor ?? null,
  });
  const store: MemoryLogStore = {
    kind: 'memory',
    failure: null,
    gate: null,
    appendCount: () => appendCount,
    recordsOf: (runId) => logs.get(runId)?.records ?? [],
    textOf: (runId, stream) =>
      (logs.get(runId)?.records ?? [])
        .filter((record) => stream === undefined || record.stream === stream)
        .map((record) => record.text)
        .join(''),
    async openForAppend({ runId }, ownerEpoch) {
      if (store.failure) throw store.failure;
      const log = logs.get(runId) ?? { records: [], bytes: 0, epoch: ownerEpoch };
      if (log.epoch > ownerEpoch) throw fenced(runId);
      log.epoch = ownerEpoch;
      logs.set(runId, log);
      return {
        position: () => positionOf(log),
        async append(records) {
          await store.gate;
          if (store.failure) throw store.failure;
          if (log.epoch > ownerEpoch) throw fenced(runId);
          appendCount += 1;
          const first = (log.records.at(-1)?.seq ?? 0) + 1;
          const stored = records.map((record, index) => ({ ...record, seq: first + index }));
          log.records.push(...stored);
          for (const record of records) log.bytes += Buffer.byteLength(record.text);
          return stored;
        },
        sync: async () => undefined,
        close: async () => undefined,
      };
    },
    async read({ runId }: LogRunKey, query) {
      const log = logs.get(runId);
      const records = (log?.records ?? []).filter((record) => record.seq > (query.afterSeq ?? 0));
      return { records, nextOffset: log?.bytes ?? 0, endOffset: log?.bytes ?? 0 };
    },
    async readText({ runId }) {
      const { endOffset } = positionOf(logs.get(runId));
      return { text: store.textOf(runId), nextOffset: endOffset, endOffset };
    },
    position: async ({ runId }) => positionOf(logs.get(runId)),
    async remove({ runId }) {
      logs.delete(runId);
    },
    close: async () => undefined,
  };
  return store;
}

function fenced(runId: string): Error {
  return Object.assign(new Error(`The log of run ${runId} belongs to a newer owner.`), { code: 'log_fenced' });
}
