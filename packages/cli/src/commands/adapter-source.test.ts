import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourceFromArgument } from './adapter-source.js';

test.each([
  ['./adapters/bar', join(process.cwd(), 'adapters/bar')],
  ['..', join(process.cwd(), '..')],
  ['/abs/bar', '/abs/bar'],
  ['dist/bar 1.0.0.tgz', join(process.cwd(), 'dist/bar 1.0.0.tgz')],
  ['./with space/bar', join(process.cwd(), 'with space/bar')],
  ['@acme/foo@^1', '@acme/foo@^1'],
  ['foo', 'foo'],
  // Left as it was typed, for the message that says why it is refused.
  ['https://example.com/foo.tgz', 'https://example.com/foo.tgz'],
])('%s means %s', (typed, meant) => {
  expect(sourceFromArgument(typed)).toBe(meant);
});
