import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createUtf8Decoder } from './utf8-decoder.js';

const whole = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

function cut(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((from, index) => bytes.subarray(from, places[index] ?? bytes.length));
}

/** Bytes in which broken and incomplete characters are as likely as whole ones. */
const trickyBytes = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }).map((text) => [...Buffer.from(text)]),
      fc.constantFrom(
        [0xe2, 0x82],
        [0xf0, 0x9f, 0x98],
        [0xc3],
        [0x80],
        [0xff],
        [0xed, 0xa0, 0x80],
        [0xef, 0xbb, 0xbf],
        [0xc0, 0x80],
      ),
      fc.uint8Array({ maxLength: 4 }).map((bytes) => [...bytes]),
    ),
    { maxLength: 40 },
  )
  .map((parts) => Uint8Array.from(parts.flat()));
const cuts = fc.array(fc.nat(400), { maxLength: 30 });

describe('createUtf8Decoder', () => {
  it('gives the same text as decoding everything at once, however the bytes are cut', () => {
    fc.assert(
      fc.property(trickyBytes, cuts, (bytes, places) => {
        const decoder = createUtf8Decoder();
        const text = cut(bytes, places)
          .map((piece) => decoder.push(piece))
          .join('');
        expect(text + decoder.flush()).toBe(whole(bytes));
        expect(decoder.offset).toBe(bytes.length);
      }),
      { numRuns: 600 },
    );
  });

  it('keeps an offset from which another decoder goes on without loss or repetition', () => {
    fc.assert(
      fc.property(trickyBytes, cuts, fc.nat(30), (bytes, places, stopAfter) => {
        const first = createUtf8Decoder();
        let text = '';
        for (const piece of cut(bytes, places).slice(0, stopAfter)) text += first.push(piece);
        expect(first.pendingBytes).toBeLessThanOrEqual(3);
        const second = createUtf8Decoder({ startOffset: first.offset });
        text += second.push(bytes.subarray(first.offset)) + second.flush();
        expect(text).toBe(whole(bytes));
        expect(second.offset).toBe(bytes.length);
      }),
      { numRuns: 600 },
    );
  });

  it('cuts pieces that fit the limit, each with the offset behind it', () => {
    fc.assert(
      fc.property(trickyBytes, cuts, fc.integer({ min: 12, max: 64 }), (bytes, places, limit) => {
        const decoder = createUtf8Decoder();
        let text = '';
        for (const part of cut(bytes, places)) {
          for (const piece of decoder.pushPieces(part, limit)) {
            expect(Buffer.byteLength(piece.text)).toBeLessThanOrEqual(limit);
            text += piece.text;
            const resumed = createUtf8Decoder({ startOffset: piece.endOffset });
            expect(text + resumed.push(bytes.subarray(piece.endOffset)) + resumed.flush()).toBe(whole(bytes));
          }
        }
        expect(text + decoder.flush()).toBe(whole(bytes));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps pieces of broken bytes within the limit although each grows to three', () => {
    const bytes = new Uint8Array(200_000).fill(0xff);
    const pieces = createUtf8Decoder().pushPieces(bytes);
    expect(Math.max(...pieces.map(({ text }) => Buffer.byteLength(text)))).toBeLessThanOrEqual(65_536);
    expect(pieces.map(({ text }) => text).join('')).toBe(whole(bytes));
    expect(pieces.at(-1)?.endOffset).toBe(200_000);
  });

  it('does not depend on the buffer that it was given after push returns', () => {
    const decoder = createUtf8Decoder();
    const buffer = Buffer.from('ab€').subarray(0, 4);
    expect(decoder.push(buffer)).toBe('ab');
    buffer.fill(0);
    expect(decoder.push(Uint8Array.of(0xac))).toBe('€');
  });

  it('refuses a limit that cannot hold a character', () => {
    expect(() => createUtf8Decoder().pushPieces(new Uint8Array(1), 3)).toThrow(
      expect.objectContaining({ code: 'invalid_argument' }),
    );
  });
});
