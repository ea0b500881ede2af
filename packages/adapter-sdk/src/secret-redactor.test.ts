import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSecretRedactor } from './secret-redactor.js';

/** The definition, written as plainly as can be: every character of every occurrence is hidden, runs of them by one mark. */
function redactAtOnce(text: string, secrets: readonly string[]): string {
  const isHidden = new Array<boolean>(text.length).fill(false);
  for (const secret of secrets) {
    if (secret === '') continue;
    for (let at = text.indexOf(secret); at !== -1; at = text.indexOf(secret, at + 1)) isHidden.fill(true, at, at + secret.length);
  }
  let result = '';
  for (let index = 0; index < text.length; index += 1) {
    if (!isHidden[index]) result += text[index];
    else if (!isHidden[index - 1]) result += '***';
  }
  return result;
}

const fewLetters = (maxLength: number) => fc.string({ unit: fc.constantFrom('a', 'b', '.', '😀'), maxLength });

describe('createSecretRedactor', () => {
  it('hides what the plain definition hides, however the text is cut, and never holds back a whole secret', () => {
    fc.assert(
      fc.property(fc.array(fewLetters(6), { maxLength: 5 }), fc.array(fewLetters(12), { maxLength: 12 }), (secrets, pieces) => {
        const longest = Math.max(1, ...secrets.map((secret) => secret.length));
        const redactor = createSecretRedactor(secrets);
        let shown = '';
        for (const piece of pieces) {
          shown += redactor.push(piece);
          expect(redactor.heldCharacters).toBeLessThanOrEqual(longest - 1);
        }
        shown += redactor.flush();
        expect(redactor.heldCharacters).toBe(0);
        expect(shown).toBe(redactAtOnce(pieces.join(''), secrets));
      }),
      { numRuns: 1_000 },
    );
  });

  it('hides long secrets with the same beginning, however the text is cut', () => {
    const start = 'eyJhbGciOiJIUzI1NiJ9.';
    const secrets = [`${start}one`, `${start}one.more`, `${start.slice(3)}two`, start.slice(0, 18)];
    const unit = fc.oneof(
      fc.constantFrom(...secrets, start, 'eyJ'),
      fc.constantFrom(...secrets).chain((secret) => fc.nat(secret.length).map((end) => secret.slice(0, end))),
      fc.string({ maxLength: 3 }),
    );
    const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 10 }), cuts, (parts, lengths) => {
        const text = parts.join('');
        const redactor = createSecretRedactor(secrets);
        let shown = '';
        let at = 0;
        for (const length of lengths) {
          shown += redactor.push(text.slice(at, at + length));
          at += length;
        }
        shown += redactor.push(text.slice(at)) + redactor.flush();
        expect(shown).toBe(redactAtOnce(text, secrets));
      }),
      { numRuns: 1_000 },
    );
  });

  it('hides a secret that comes one character at a time', () => {
    const redactor = createSecretRedactor(['s3cr3t-token']);
    const shown = [...'key=s3cr3t-token;s3cr3t-'].map((character) => redactor.push(character)).join('');
    expect(shown).toBe('key=***;');
    expect(redactor.flush()).toBe('s3cr3t-');
  });

  it('hides overlapping and touching secrets by one mark', () => {
    const redactor = createSecretRedactor(['abcd', 'cdef', 'gh']);
    expect(redactor.push('xabcdefghy') + redactor.flush()).toBe('x***y');
  });

  it('passes text on untouched and at once when there are no secrets', () => {
    const redactor = createSecretRedactor(['']);
    expect(redactor.push('anything')).toBe('anything');
    expect(redactor.heldCharacters).toBe(0);
  });

  it('takes time in proportion to the text for secrets that almost occur everywhere', () => {
    // A search that starts anew at each place needs length of text times length of secret: 2e10 steps, minutes.
    const redactor = createSecretRedactor([`${'a'.repeat(9_999)}b`, `${'a'.repeat(5_000)}c`]);
    const piece = 'a'.repeat(20_000);
    let shown = 0;
    for (let count = 0; count < 100; count += 1) shown += redactor.push(piece).length;
    expect(shown + redactor.flush().length).toBe(2_000_000);
  });
});
