import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitText } from './split-text.js';

const wideText = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\ud83d', '\ude00', '\u0000'), maxLength: 200 });

describe('splitText', () => {
  it('gives pieces that fit, that join to the text and that cut no surrogate pair', () => {
    fc.assert(
      fc.property(wideText, fc.integer({ min: 4, max: 40 }), (text, limit) => {
        const pieces = splitText(text, limit);
        expect(pieces.join('')).toBe(text);
        for (const [index, piece] of pieces.entries()) {
          expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(limit);
          expect(piece).not.toBe('');
          const seam = piece.slice(-1) + (pieces[index + 1]?.[0] ?? '');
          expect(/^[\ud800-\udbff][\udc00-\udfff]$/.test(seam)).toBe(false);
        }
      }),
      { numRuns: 600 },
    );
  });

  it('fills each piece as far as the next character allows', () => {
    expect(splitText('aaaa€€bb', 5)).toEqual(['aaaa', '€', '€bb']);
  });

  it('cuts at 64 KiB when no limit is named', () => {
    const pieces = splitText('x'.repeat(200_000));
    expect(pieces.map((piece) => piece.length)).toEqual([65_536, 65_536, 65_536, 3_392]);
  });

  it('refuses a limit that cannot hold every character', () => {
    expect(() => splitText('x', 3)).toThrow(expect.objectContaining({ code: 'invalid_argument' }));
  });
});
