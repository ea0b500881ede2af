import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { LogAppender, LogPosition, LogRunKey, LogStore } from '../../supervisor/ports/index.js';
import { logFenced, logStoreUnavailable } from '../log-store-errors.js';
import { emptySource, type LogSource } from '../reading/log-source.js';
import { readPage } from '../reading/read-page.js';
import { readText } from '../reading/read-text.js';
import { readBytes } from './file-bytes.js';
import { type FsLogAppender, openFsLogAppender } from './fs-log-appender.js';
import { entriesBackward, entriesFrom } from './index-file.js';
import { emptyEnd, findEnd, findLastCursor, type LogFilesEnd } from './log-end.js';

/**
 * Logs as files: `<folder>/<company>/<run>/log` is the text and nothing else, so that `less` and `grep` work on it;
 * `index` has one line per record and decides what exists.
 */
export function createFsLogStore(options: { readonly folder: string }): LogStore {
  /** Logs that are being written here, by run; written by `openForAppend` and by their own `close`. */
  const appenders = new Map<string, FsLogAppender>();
  /** Openings follow each other per run, so that of two owners at once the newer one wins whichever comes first. */
  const openings = new Map<string, Promise<unknown>>();
  const folderOf = (run: LogRunKey): string => join(options.folder, pathSegment(run.companyId), pathSegment(run.runId));

  async function withSource<T>(
    run: LogRunKey,
    read: (source: LogSource, end: LogFilesEnd, index: FileHandle | null) => Promise<T>,
  ): Promise<T> {
    const files = await openFiles(run, folderOf(run));
    if (files === null) return read(emptySource, emptyEnd, null);
    const { log, index } = files;
    try {
      const end = appenders.get(run.runId)?.filesEnd() ?? (await findEnd(index, log));
      return await read(sourceFrom(log, index, end), end, index);
    } catch (error) {
      throw readFailure(run, error);
    } finally {
      await Promise.all([log.close(), index.close()]);
    }
  }

  async function openInTurn(run: LogRunKey, ownerEpoch: number): Promise<LogAppender> {
    const before = appenders.get(run.runId);
    if (before !== undefined) {
      if (before.ownerEpoch > ownerEpoch) throw logFenced(run, ownerEpoch);
      await before.fence();
    }
    const appender = await openFsLogAppender(run, folderOf(run), ownerEpoch);
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
  }

  return {
    kind: 'fs',
    openForAppend(run, ownerEpoch) {
      const opening = (openings.get(run.runId) ?? Promise.resolve()).then(() => openInTurn(run, ownerEpoch));
      const settled = opening
        .catch(() => undefined)
        .finally(() => {
          if (openings.get(run.runId) === settled) openings.delete(run.runId);
        });
      openings.set(run.runId, settled);
      return opening;
    },
    read: (run, query) => withSource(run, (source) => readPage(run, source, query)),
    readText: (run, query) => withSource(run, (source) => readText(run, source, query)),
    position: (run): Promise<LogPosition> =>
      withSource(run, async (_source, { lastSeq, endOffset, indexEnd }, index) => ({
        lastSeq,
        endOffset,
        lastCursor: index === null ? null : await findLastCursor(index, indexEnd),
      })),
    async remove(run) {
      await appenders.get(run.runId)?.close();
      appenders.delete(run.runId);
      await rm(folderOf(run), { recursive: true, force: true });
    },
    async close() {
      const open = [...appenders.values()];
      appenders.clear();
      await Promise.all(open.map((appender) => appender.close()));
    },
  };
}

/** Ids are UUIDs; anything else must not lead out of the folder. */
function pathSegment(id: string): string {
  return encodeURIComponent(id).replaceAll('.', '%2E');
}

function sourceFrom(log: FileHandle, index: FileHandle, end: LogFilesEnd): LogSource {
  return {
    endOffset: end.endOffset,
    entriesFrom: (start) => entriesFrom(index, end.indexEnd, start),
    entriesBackward: () => entriesBackward(index, end.indexEnd),
    text: (from, to) => readBytes(log, from, to),
  };
}

/** Null when the run has no log yet. */
async function openFiles(run: LogRunKey, folder: string): Promise<{ log: FileHandle; index: FileHandle } | null> {
  let log: FileHandle | undefined;
  try {
    log = await open(join(folder, 'log'), 'r');
    return { log, index: await open(join(folder, 'index'), 'r') };
  } catch (error) {
    await log?.close();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw readFailure(run, error);
  }
}

function readFailure(run: LogRunKey, error: unknown): unknown {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code !== undefined && syscall !== undefined ? logStoreUnavailable(run, 'read', error) : error;
}
