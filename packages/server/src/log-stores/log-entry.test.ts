import { describe, expect, it } from 'vitest';
import { encodeRecords, entriesFromBlock } from './log-entry.js';

const record = (text: string) => ({ at: '2026-01-01T00:00:00.000Z', stream: 'stdout' as const, text, cursor: null });

describe('encodeRecords', () => {
  it.each([
    ['ASCII', ['one\n', 'two\n']],
    ['Latin-1, which has a byte per character only in another encoding', ['é\n', 'ÿ']],
    ['ASCII beside characters of two to four bytes', ['plain\n', 'å€😀\n', 'plain\n']],
    ['half a surrogate pair, as U+FFFD', ['\ud83d']],
    ['nothing', []],
  ])('gives the UTF-8 of %s, cut where the index says', (_what, texts) => {
    const { text, index } = encodeRecords(texts.map(record), { lastSeq: 4, endOffset: 100 });
    expect(text).toEqual(Buffer.from(texts.join('')));
    const cuts = entriesFromBlock(index).map(({ offset, length }) => text.toString('utf8', offset - 100, offset - 100 + length));
    expect(cuts).toEqual(texts.map((each) => Buffer.from(each).toString()));
  });
});
