import { expect, test } from 'vitest';
import { fitsSpec } from './fits-spec.js';
import { parsePackageSpec } from './package-spec.js';

const installed = { packageName: '@acme/foo', version: '1.4.2', source: '@acme/foo@next' };

test.each([
  ['@acme/foo', true],
  ['@acme/foo@^1', true],
  ['@acme/foo@1.4.2', true],
  ['@acme/foo@>=1.4 <2', true],
  ['@acme/foo@^2', false],
  ['@acme/foo@1.4.1', false],
  ['@acme/foo@next', true],
  ['@acme/foo@latest', false],
  ['@acme/bar', false],
  ['./foo', false],
])('"%s" is there: %s', (spec, isThere) => {
  expect(fitsSpec(parsePackageSpec(spec, '/base'), installed)).toBe(isThere);
});

test('a folder or tarball is there when something was installed from that path', () => {
  const fromFolder = { ...installed, source: '/base/foo' };
  expect(fitsSpec(parsePackageSpec('./foo', '/base'), fromFolder)).toBe(true);
  expect(fitsSpec(parsePackageSpec('./foo', '/elsewhere'), fromFolder)).toBe(false);
});
