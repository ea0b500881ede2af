import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { runnerVersion } from './version.js';

test('the version that is told to servers is that of the package', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  expect(runnerVersion).toBe(manifest.version);
});
