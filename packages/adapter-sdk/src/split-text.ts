import { AdapterError } from './adapter-error.js';
import { logTextLimitBytes } from './contract-limits.js';

/**
 * Cuts text into pieces of at most `limitBytes` bytes of UTF-8 (default: what one `onLog` may carry) without cutting a
 * character; joined, they are the text. Empty text gives no piece. A lone surrogate counts as the three bytes of U+FFFD.
 * @throws AdapterError `invalid_argument` when `limitBytes` cannot hold every character (less than 4).
 */
export function splitText(text: string, limitBytes: number = logTextLimitBytes): string[] {
  if (limitBytes < 4) throw new AdapterError('invalid_argument', `limitBytes must be at least 4, it is ${limitBytes}.`);
  if (text === '') return [];
  // A UTF-16 unit never takes more than three bytes, so short text need not be measured.
  if (text.length * 3 <= limitBytes) return [text];
  const pieces: string[] = [];
  const encoder = new TextEncoder();
  const scratch = new Uint8Array(limitBytes);
  let from = 0;
  while (from < text.length) {
    const window = text.slice(from, from + limitBytes);
    // `encodeInto` stops before a character that does not fit; a pair cut by the window's end is taken back.
    const { read } = encoder.encodeInto(window, scratch);
    const isPairCut = read === window.length && from + read < text.length && splitsPair(text, from + read);
    const end = from + (isPairCut ? read - 1 : read);
    pieces.push(text.slice(from, end));
    from = end;
  }
  return pieces;
}

function splitsPair(text: string, index: number): boolean {
  const before = text.charCodeAt(index - 1);
  const after = text.charCodeAt(index);
  return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
}
