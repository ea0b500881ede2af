import { packageTests } from '../../vitest.shared.js';

const tests = packageTests({ name: 'server', globalSetup: ['./test/database/global-setup.ts'] });

export default {
  ...tests,
  // Files run side by side, since each test has a database of its own; but some start processes, and the machine is shared.
  test: { ...tests.test, testTimeout: 60_000 },
};
