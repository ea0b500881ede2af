import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { adapterTestkitErrorCodes } from './error-codes.js';

it('documents each of its error codes', () => {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const section = text.split(/^## /m).find((one) => one.startsWith('@runbeat/adapter-testkit')) ?? '';
  const documented = [...section.matchAll(/^\| `([^`]+)` \| .+ \| .+ \|$/gm)].map((match) => match[1]);
  expect(documented).toEqual([...adapterTestkitErrorCodes]);
});
