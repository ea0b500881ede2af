import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { adapterPaperclipErrorCodes } from './error-codes.js';

test('each error code is documented', () => {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const section = text.split(/^## /m).find((one) => one.startsWith('@runbeat/adapter-paperclip')) ?? '';
  const documented = [...section.matchAll(/^\| `([^`]+)` \| .+ \| .+ \|$/gm)].map((match) => match[1]);
  expect(documented).toEqual([...adapterPaperclipErrorCodes]);
});
