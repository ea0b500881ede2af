import { readFileSync } from 'node:fs';

/** The version of this package, from its own manifest. */
export function packageVersion(): string {
  // Both `src/` and `dist/` lie one folder below the manifest.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return String((manifest as { version: unknown }).version);
}
