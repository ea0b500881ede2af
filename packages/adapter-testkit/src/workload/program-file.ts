import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { AdapterError } from '@runbeat/adapter-sdk';

/**
 * Path of one of this package's programs. They run outside of any test runner, so it is always the built one, also when
 * the package's own tests import its sources.
 */
export function programFile(name: 'conformance-workload' | 'forked-host'): string {
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/' : './';
  const path = fileURLToPath(new URL(`${folder}${name}.js`, import.meta.url));
  if (existsSync(path)) return path;
  throw new AdapterError(
    'testkit_not_built',
    `${path} is missing. Build @runbeat/adapter-testkit first (npm run build:fast -- adapter-testkit).`,
  );
}
