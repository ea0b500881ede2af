import { describe, expect, it } from 'vitest';
import { withoutSecrets } from './without-secrets.js';

describe('withoutSecrets', () => {
  it('hides secrets in every text and key, and leaves the rest as it was', () => {
    const at = new Date(0);
    const value = { message: 'token abc refused', abc: ['abc', 'ab', 7, null], at, nested: { deep: 'xabcabcx' } };
    expect(withoutSecrets(value, ['abc', ''])).toEqual({
      message: 'token *** refused',
      '***': ['***', 'ab', 7, null],
      at,
      nested: { deep: 'x***x' },
    });
  });

  it('hides secrets that overlap by one mark', () => {
    expect(withoutSecrets('-abcde-', ['abc', 'cde'])).toBe('-***-');
  });

  it('gives back the very value when there is nothing to hide', () => {
    const value = { message: 'abc' };
    expect(withoutSecrets(value, [''])).toBe(value);
  });
});
