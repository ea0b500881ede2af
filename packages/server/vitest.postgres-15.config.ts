import { packageTests } from '../../vitest.shared.js';

/**
 * The suites whose answers depend on PostgreSQL, once more on the system's version 15 (`npm test`, where it is installed);
 * the others run on the embedded one only.
 */
const tests = packageTests({
  name: 'server-postgres-15',
  kind: 'processes',
  globalSetup: ['./test/database/global-setup.ts'],
  include: [
    'src/db/**/*.test.ts',
    'src/log-stores/postgres/*.test.ts',
    'src/runners/runner-store.test.ts',
    'test/database/embedded-postgres.test.ts',
    'test/supervisor/{interleavings,recovery-scenarios,wakeup-scenarios}.test.ts',
  ],
});

export default { ...tests, test: { ...tests.test, env: { RUNBEAT_TEST_DATABASE: '15' } } };
