import type { PostgresBinaries } from '../../src/embedded-postgres/index.js';

/** `RUNBEAT_TEST_DATABASE=15` runs the suite on the system's PostgreSQL of that version instead of the embedded one. */
export function postgresFromEnvironment(environment: Readonly<Record<string, string | undefined>>): {
  binaries?: PostgresBinaries;
} {
  const version = environment['RUNBEAT_TEST_DATABASE'];
  if (version === undefined || version === '' || version === 'embedded') return {};
  const folder = `/usr/lib/postgresql/${version}/bin`;
  return { binaries: { initdb: `${folder}/initdb`, postgres: `${folder}/postgres`, majorVersion: Number(version) } };
}
