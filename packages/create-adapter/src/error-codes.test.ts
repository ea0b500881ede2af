import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createAdapterErrorCodes } from './error-codes.js';

it('documents each of its error codes', () => {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const section = text.split(/^## /m).find((one) => one.startsWith('create-runbeat-adapter')) ?? '';
  const documented = [...section.matchAll(/^\| `([^`]+)` \| .+ \| .+ \|$/gm)].map((match) => match[1]);
  expect(documented).toEqual([...createAdapterErrorCodes]);
});
