import { isAdapterError } from '@runbeat/adapter-sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { formatSpoolCursor, parseSpoolCursor, spoolStart } from './spool-cursor.js';

it('reads back what it wrote', () => {
  const bytes = fc.nat({ max: 999_999_999_999_999 });
  fc.assert(
    fc.property(bytes, bytes, (stdout, stderr) => {
      expect(parseSpoolCursor(formatSpoolCursor({ stdout, stderr }))).toEqual({ stdout, stderr });
    }),
  );
});

it('starts at zero where nothing was stored', () => {
  expect(parseSpoolCursor(null)).toEqual(spoolStart);
});

it.each(['', '1:2', '2:1:1', '1:-1:0', '1:1:1 '])('refuses %j, rather than store output twice', (text) => {
  expect(() => parseSpoolCursor(text)).toThrow(
    expect.toSatisfy((error) => isAdapterError(error) && error.code === 'adapter_incompatible'),
  );
});
