import type { Database } from '../../db/database.js';
import type { LogRunKey, LogStore } from '../../supervisor/ports/index.js';
import { emptySource, type LogSource } from '../reading/log-source.js';
import { readPage } from '../reading/read-page.js';
import { readText } from '../reading/read-text.js';
import { chunkSource } from './chunk-source.js';
import { readLogHead, removeLog } from './log-statements.js';
import { databaseLogFailure, openPostgresLogAppender } from './postgres-log-appender.js';

/** Logs as rows, for several instances without a shared disk. The caller keeps the database and closes it. */
export function createPostgresLogStore(options: { readonly database: Pick<Database, 'executor'> }): LogStore {
  const { executor } = options.database;

  async function withSource<T>(run: LogRunKey, read: (source: LogSource) => Promise<T>): Promise<T> {
    try {
      const head = await readLogHead(executor, run);
      return await read(head === null ? emptySource : chunkSource(executor, run, head));
    } catch (error) {
      throw databaseLogFailure(run, 'read', error);
    }
  }

  return {
    kind: 'postgres',
    openForAppend: (run, ownerEpoch) => openPostgresLogAppender(executor, run, ownerEpoch),
    read: (run, query) => withSource(run, (source) => readPage(run, source, query)),
    readText: (run, query) => withSource(run, (source) => readText(run, source, query)),
    async position(run) {
      try {
        const head = await readLogHead(executor, run);
        return { lastSeq: head?.lastSeq ?? 0, endOffset: head?.endOffset ?? 0, lastCursor: head?.lastCursor ?? null };
      } catch (error) {
        throw databaseLogFailure(run, 'read', error);
      }
    },
    async remove(run) {
      try {
        await removeLog(executor, run);
      } catch (error) {
        throw databaseLogFailure(run, 'removed', error);
      }
    },
    close: () => Promise.resolve(),
  };
}
