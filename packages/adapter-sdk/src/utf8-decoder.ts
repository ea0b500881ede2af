import { AdapterError } from './adapter-error.js';
import { logTextLimitBytes } from './contract-limits.js';

/** Text that is ready, and the byte offset behind it: read on from there, nothing is lost and nothing comes twice. */
export interface DecodedPiece {
  readonly text: string;
  /** Bytes of the whole stream that are in this piece and the ones before it. */
  readonly endOffset: number;
}

/** Turns the bytes of one stream into whole characters, however the bytes are cut. */
export interface Utf8Decoder {
  /** Offset, in bytes of the whole stream, of the first byte that was not given out as text yet. */
  readonly offset: number;
  /** Bytes kept back because their character is incomplete: 0 to 3. */
  readonly pendingBytes: number;
  /** All whole characters known now. Bytes that are no UTF-8 become U+FFFD, exactly as `TextDecoder` does it. */
  push(bytes: Uint8Array): string;
  /** The same as `push` in pieces of at most `limitBytes` of UTF-8 text (default: what one `onLog` may carry). */
  pushPieces(bytes: Uint8Array, limitBytes?: number): DecodedPiece[];
  /** The stream has ended: what is still kept back, as U+FFFD; empty when nothing is. */
  flush(): string;
}

/**
 * @param options.startOffset where in the stream the first byte pushed stands; a multi-byte character must start there,
 * as it does at every `offset` and `endOffset` of an earlier decoder. Default 0.
 */
export function createUtf8Decoder(options: { readonly startOffset?: number } = {}): Utf8Decoder {
  // One decoder without state: what is incomplete is kept in `kept`, never inside it. The byte order mark is output.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let kept: Uint8Array = new Uint8Array(0);
  let offset = options.startOffset ?? 0;

  const decode = (bytes: Uint8Array): string => {
    offset += bytes.length;
    return decoder.decode(bytes);
  };
  const withKept = (bytes: Uint8Array): Uint8Array => (kept.length === 0 ? bytes : Buffer.concat([kept, bytes]));

  return {
    get offset() {
      return offset;
    },
    get pendingBytes() {
      return kept.length;
    },
    push(bytes) {
      const all = withKept(bytes);
      const end = wholeCharactersEnd(all);
      // Copied: the caller may reuse its buffer.
      kept = Uint8Array.from(all.subarray(end));
      return decode(all.subarray(0, end));
    },
    pushPieces(bytes, limitBytes = logTextLimitBytes) {
      if (limitBytes < 12) throw new AdapterError('invalid_argument', `limitBytes must be at least 12, it is ${limitBytes}.`);
      const pieces: DecodedPiece[] = [];
      let rest = withKept(bytes);
      let end = wholeCharactersEnd(rest.subarray(0, limitBytes));
      while (end > 0) {
        let text = decoder.decode(rest.subarray(0, end));
        if (end * 3 > limitBytes && Buffer.byteLength(text) > limitBytes) {
          // Bytes that are no UTF-8 grow to three each. A third of the limit always fits.
          end = wholeCharactersEnd(rest.subarray(0, Math.floor(limitBytes / 3)));
          text = decoder.decode(rest.subarray(0, end));
        }
        offset += end;
        pieces.push({ text, endOffset: offset });
        rest = rest.subarray(end);
        end = wholeCharactersEnd(rest.subarray(0, limitBytes));
      }
      kept = Uint8Array.from(rest);
      return pieces;
    },
    flush() {
      const rest = kept;
      kept = new Uint8Array(0);
      return decode(rest);
    },
  };
}

/**
 * The number of bytes up to which nothing is incomplete. A cut right before a lead byte never changes the decoded text:
 * whatever stands before it is complete, or is broken with and without what follows.
 */
function wholeCharactersEnd(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back += 1) {
    const needed = characterLength(bytes[bytes.length - back] ?? 0);
    if (needed === 0) continue;
    return needed > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

/** Bytes of the character that starts with `byte`; 0 = it continues one; 1 also for bytes that start none. */
function characterLength(byte: number): number {
  if (byte >= 0x80 && byte < 0xc0) return 0;
  if (byte >= 0xc2 && byte < 0xe0) return 2;
  if (byte >= 0xe0 && byte < 0xf0) return 3;
  if (byte >= 0xf0 && byte < 0xf5) return 4;
  return 1;
}
