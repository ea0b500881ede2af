import { expect, test } from 'vitest';
import { parsePackageSpec, specText } from './package-spec.js';

test.each([
  ['foo', { kind: 'registry', name: 'foo', range: null }, 'foo'],
  ['@acme/foo', { kind: 'registry', name: '@acme/foo', range: null }, '@acme/foo'],
  ['@acme/foo@^1', { kind: 'registry', name: '@acme/foo', range: '^1' }, '@acme/foo@^1'],
  ['foo@>=1 <2 || 3.x', { kind: 'registry', name: 'foo', range: '>=1 <2 || 3.x' }, 'foo@>=1 <2 || 3.x'],
  ['foo@next', { kind: 'registry', name: 'foo', range: 'next' }, 'foo@next'],
  ['./adapters/bar', { kind: 'folder', path: '/base/adapters/bar' }, '/base/adapters/bar'],
  ['..', { kind: 'folder', path: '/' }, '/'],
  ['/abs/bar', { kind: 'folder', path: '/abs/bar' }, '/abs/bar'],
  ['file:bar', { kind: 'folder', path: '/base/bar' }, '/base/bar'],
  ['./bar-1.0.0.tgz', { kind: 'tarball', path: '/base/bar-1.0.0.tgz' }, '/base/bar-1.0.0.tgz'],
  ['file:///abs/bar.tar.gz', { kind: 'tarball', path: '/abs/bar.tar.gz' }, '/abs/bar.tar.gz'],
] as const)('"%s" is understood, and recorded so that it means the same from anywhere', (spec, parsed, text) => {
  expect(parsePackageSpec(spec, '/base')).toEqual(parsed);
  expect(specText(parsePackageSpec(spec, '/base'))).toBe(text);
});

test.each([
  '@../../evil',
  '@acme/..',
  'foo/../bar',
  'foo@../../../etc',
  'foo@npm:bar',
  '--global',
  'foo@--global',
  'https://example.com/foo.tgz',
  'git+ssh://git@example.com/foo',
  'github:acme/foo',
  'Foo Bar',
  'foo\0',
  '',
])('"%s" is refused', (spec) => {
  expect(() => parsePackageSpec(spec, '/base')).toThrow(expect.objectContaining({ code: 'adapter_spec_invalid' }));
});
