import { describe, expect, it } from 'vitest';
import { mentionedNames } from './mentioned-names.js';

describe('mentionedNames', () => {
  it.each([
    ['hello @ada', ['ada']],
    ['@Ada, please', ['Ada']],
    ['(@ada) and @bob.', ['ada', 'bob']],
    ['@build-bot.', ['build-bot']],
  ])('finds those of %j', (body, expected) => {
    expect(mentionedNames(body)).toEqual(expect.arrayContaining(expected));
  });

  it('offers names of several words, since an agent may be called that', () => {
    expect(mentionedNames('@Code Reviewer have a look')).toEqual(expect.arrayContaining(['Code Reviewer', 'Code']));
  });

  it.each(['mail ada@example.org', 'no mention', 'in `@ada` code', '```\n@ada\n```', 'path/@scope', '@', '@@ada'])(
    'finds none in %j',
    (body) => {
      expect(mentionedNames(body)).toEqual([]);
    },
  );

  it('takes time in proportion to the text and names no more than fifty', () => {
    const body = Array.from({ length: 10_000 }, (_, index) => `@agent${index} a b c`).join(' ');
    expect(mentionedNames(body)).toHaveLength(50);
    expect(mentionedNames(`@${'a '.repeat(50_000)}`).length).toBeLessThanOrEqual(8);
    expect(mentionedNames('@'.repeat(100_000))).toEqual([]);
    expect(mentionedNames('`'.repeat(100_001))).toEqual([]);
  });
});
