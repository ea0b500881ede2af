import type { OutputStreamV1 } from '@runbeat/adapter-sdk';
import type { LogRunKey } from '../../supervisor/ports/index.js';
import { endOf } from '../log-entry.js';
import { logOffsetInvalid } from '../log-store-errors.js';
import type { LogSource } from './log-source.js';
import { checkWithinEnd, readPage } from './read-page.js';

export interface TextPage {
  readonly text: string;
  readonly nextOffset: number;
  readonly endOffset: number;
}

/** Raw text from a record border to a record border, in one read. With a stream it is put together from records. */
export async function readText(
  run: LogRunKey,
  source: LogSource,
  query: { readonly offset: number; readonly limitBytes: number; readonly stream?: OutputStreamV1 },
): Promise<TextPage> {
  const { endOffset } = source;
  if (query.stream !== undefined) {
    const { records, nextOffset } = await readPage(run, source, query);
    return { text: records.map((record) => record.text).join(''), nextOffset, endOffset };
  }
  const { offset, limitBytes } = query;
  checkWithinEnd(run, source, { offset });
  if (offset === endOffset) return { text: '', nextOffset: offset, endOffset };
  if (offset > 0) await checkBorder(run, source, offset);
  const nextOffset = endOffset - offset <= limitBytes ? endOffset : await borderWithin(source, offset, limitBytes);
  return { text: (await source.text(offset, nextOffset)).toString('utf8'), nextOffset, endOffset };
}

async function checkBorder(run: LogRunKey, source: LogSource, offset: number): Promise<void> {
  for await (const [first] of source.entriesFrom({ offset })) {
    if (first !== undefined && first.offset !== offset) throw logOffsetInvalid(run, offset);
    return;
  }
}

/** The last border that the limit reaches, or the end of the first record when that alone is longer. */
async function borderWithin(source: LogSource, offset: number, limitBytes: number): Promise<number> {
  for await (const [entry] of source.entriesFrom({ offset: offset + limitBytes })) {
    if (entry === undefined) continue;
    return entry.offset > offset ? entry.offset : endOf(entry);
  }
  return source.endOffset;
}
