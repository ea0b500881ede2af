import { AdapterError } from './adapter-error.js';

/** A line without its line end (`\n` or `\r\n`). */
export interface SplitLine {
  readonly text: string;
  /** UTF-16 units that were left out because the line was longer than the limit; 0 = the line is whole. */
  readonly droppedCharacters: number;
}

/** Turns pieces of text into lines, in bounded memory. */
export interface LineSplitter {
  /** The lines that `text` completes. */
  push(text: string): SplitLine[];
  /** The last line when it has no line end; null when nothing is left. */
  flush(): SplitLine | null;
}

/**
 * @param options.limitCharacters the longest line that is kept whole, in UTF-16 units; of a longer one the start is
 * given and the rest counted, so that a program that never ends its line cannot fill the memory. Default 1,048,576.
 */
export function createLineSplitter(options: { readonly limitCharacters?: number } = {}): LineSplitter {
  const limit = options.limitCharacters ?? 1_048_576;
  if (!(limit >= 2)) throw new AdapterError('invalid_argument', `limitCharacters must be at least 2, it is ${limit}.`);
  // One unit above the limit is kept, since it may be the carriage return of the line end.
  let line = '';
  let lengthSeen = 0;

  const append = (text: string): void => {
    lengthSeen += text.length;
    const room = limit + 1 - line.length;
    if (room > 0) line += text.length > room ? text.slice(0, room) : text;
  };
  const take = (endsWithCarriageReturn: boolean): SplitLine => {
    const length = endsWithCarriageReturn ? lengthSeen - 1 : lengthSeen;
    const kept = length > limit ? cutBeforePair(line, limit) : line.slice(0, length);
    line = '';
    lengthSeen = 0;
    return { text: kept, droppedCharacters: length - kept.length };
  };

  // The last unit seen, to know a carriage return that came in the piece before its line feed.
  let lastUnit = '';
  return {
    push(text) {
      const lines: SplitLine[] = [];
      let from = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
        append(text.slice(from, end));
        const before = end > from ? text[end - 1] : from === 0 ? lastUnit : '';
        lines.push(take(before === '\r'));
        from = end + 1;
      }
      if (from < text.length) append(text.slice(from));
      if (text !== '') lastUnit = text[text.length - 1] ?? '';
      return lines;
    },
    flush() {
      lastUnit = '';
      return lengthSeen === 0 ? null : take(false);
    },
  };
}

function cutBeforePair(text: string, length: number): string {
  const unit = text.charCodeAt(length - 1);
  return text.slice(0, unit >= 0xd800 && unit < 0xdc00 ? length - 1 : length);
}
