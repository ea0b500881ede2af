import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runnerErrorCodes } from './error-codes.js';

test('docs/errors.md describes exactly the codes of this package', () => {
  const document = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const section = document.split('\n## ').find((part) => part.startsWith('@runbeat/runner\n')) ?? '';
  const described = [...section.matchAll(/^\| `([a-z_]+)` \|/gm)].map((match) => match[1]);
  expect(described.sort()).toEqual([...runnerErrorCodes].sort());
});
