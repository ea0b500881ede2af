import type { LogPage, LogReadQuery, LogRecord, LogRunKey } from '../../supervisor/ports/index.js';
import { endOf, type LogEntry } from '../log-entry.js';
import { logOffsetInvalid } from '../log-store-errors.js';
import { findTailStart, type TailStart } from './find-tail-start.js';
import type { LogSource, LogStart } from './log-source.js';

/** Records that do not belong to the page but lie between two that do: read along when they are shorter than this. */
const readAlongBytes = 64 * 1024;

/** One page of records: at least one, then as many as fit. */
export async function readPage(run: LogRunKey, source: LogSource, query: LogReadQuery): Promise<LogPage> {
  const { endOffset } = source;
  const tail = query.tailLines === undefined ? null : await findTailStart(source, query.tailLines, query.stream);
  if (tail === 'empty') return { records: [], nextOffset: endOffset, endOffset };
  const { entries, nextOffset } = await chooseEntries(run, source, query, tail);
  return { records: await withTexts(source, entries, tail), nextOffset, endOffset };
}

async function chooseEntries(
  run: LogRunKey,
  source: LogSource,
  query: LogReadQuery,
  tail: TailStart | null,
): Promise<{ readonly entries: readonly LogEntry[]; readonly nextOffset: number }> {
  const start = startOf(query, tail);
  checkWithinEnd(run, source, start);
  const entries: LogEntry[] = [];
  let bytes = -(tail?.skipBytes ?? 0);
  let nextOffset = 'offset' in start ? start.offset : source.endOffset;
  let isFirst = true;
  let hasText = false;
  for await (const block of source.entriesFrom(start)) {
    for (const entry of block) {
      if (isFirst && 'offset' in start && start.offset > 0 && entry.offset !== start.offset)
        throw logOffsetInvalid(run, start.offset);
      isFirst = false;
      const isWanted = query.stream === undefined || entry.stream === query.stream;
      // A record without text always fits, since it must not be left to a page that starts where it ends; and it does not
      // count as the one that every page gives, since such a page would end where it began.
      if (isWanted && hasText && entry.length > 0 && bytes + entry.length > query.limitBytes) {
        return { entries, nextOffset: entry.offset };
      }
      if (isWanted) {
        entries.push(entry);
        bytes += entry.length;
        hasText ||= entry.length > 0;
      }
      nextOffset = endOf(entry);
    }
  }
  return { entries, nextOffset };
}

function startOf(query: LogReadQuery, tail: TailStart | null): LogStart {
  if (tail !== null) return { afterSeq: tail.firstSeq - 1 };
  if (query.afterSeq !== undefined) return { afterSeq: query.afterSeq };
  return { offset: query.offset ?? 0 };
}

export function checkWithinEnd(run: LogRunKey, source: LogSource, start: LogStart): void {
  if ('offset' in start && !(start.offset >= 0 && start.offset <= source.endOffset)) throw logOffsetInvalid(run, start.offset);
}

async function withTexts(source: LogSource, entries: readonly LogEntry[], tail: TailStart | null): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for (const group of neighbours(entries)) {
    const from = group[0]?.offset ?? 0;
    const text = await source.text(from, endOf(group.at(-1) as LogEntry));
    for (const { seq, at, stream, offset, length, cursor } of group) {
      const skip = tail !== null && seq === tail.firstSeq ? tail.skipBytes : 0;
      records.push({ seq, at, stream, text: text.toString('utf8', offset - from + skip, offset - from + length), cursor });
    }
  }
  return records;
}

/** Entries that are read in one go. */
function neighbours(entries: readonly LogEntry[]): LogEntry[][] {
  const groups: LogEntry[][] = [];
  for (const entry of entries) {
    const group = groups.at(-1);
    const last = group?.at(-1);
    if (group !== undefined && last !== undefined && entry.offset - endOf(last) <= readAlongBytes) group.push(entry);
    else groups.push([entry]);
  }
  return groups;
}
