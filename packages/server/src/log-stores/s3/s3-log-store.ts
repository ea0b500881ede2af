import type { LogAppender, LogRunKey, LogStore } from '../../supervisor/ports/index.js';
import { logFenced } from '../log-store-errors.js';
import { emptySource, type LogSource } from '../reading/log-source.js';
import { readPage } from '../reading/read-page.js';
import { readText } from '../reading/read-text.js';
import { bucketFailure } from './bucket-failure.js';
import { segmentPrefix } from './log-segment.js';
import { openBucket, type S3Options } from './object-bucket.js';
import { openS3LogAppender, type S3LogAppender } from './s3-log-appender.js';
import { readStoredLog, type StoredLog } from './stored-log.js';

/** Logs as objects of a bucket. Rejects with `log_store_unavailable` when the AWS SDK is not installed. */
export async function createS3LogStore(options: S3Options): Promise<LogStore> {
  const bucket = await openBucket(options);
  const prefixOf = (run: LogRunKey): string => segmentPrefix(options.prefix ?? '', run);
  /** The last appender opened here per run, to fence it at once when a newer owner comes. */
  const appenders = new Map<string, S3LogAppender>();

  async function withLog<T>(run: LogRunKey, use: (log: StoredLog | null, source: LogSource) => Promise<T> | T): Promise<T> {
    try {
      const log = await readStoredLog(bucket, prefixOf(run));
      return await use(log, log?.source ?? emptySource);
    } catch (error) {
      throw bucketFailure(run, 'read', error);
    }
  }

  return {
    kind: 's3',
    async openForAppend(run, ownerEpoch): Promise<LogAppender> {
      const before = appenders.get(run.runId);
      if (before !== undefined) {
        if (before.ownerEpoch > ownerEpoch) throw logFenced(run, ownerEpoch);
        await before.fence();
      }
      const appender = await openS3LogAppender(bucket, { run, prefix: prefixOf(run), ownerEpoch });
      appenders.set(run.runId, appender);
      return {
        position: () => appender.position(),
        append: (records) => appender.append(records),
        sync: () => appender.sync(),
        async close() {
          if (appenders.get(run.runId) === appender) appenders.delete(run.runId);
          await appender.close();
        },
      };
    },
    read: (run, query) => withLog(run, (_log, source) => readPage(run, source, query)),
    readText: (run, query) => withLog(run, (_log, source) => readText(run, source, query)),
    position: (run) => withLog(run, (log) => log?.position ?? { lastSeq: 0, endOffset: 0, lastCursor: null }),
    async remove(run) {
      try {
        await bucket.remove(await bucket.list(prefixOf(run)));
      } catch (error) {
        throw bucketFailure(run, 'removed', error);
      }
    },
    async close() {
      await Promise.all([...appenders.values()].map((appender) => appender.close()));
      appenders.clear();
      bucket.close();
    },
  };
}
