import { packageTests } from '../../vitest.shared.js';

// Files run side by side, since each test has a database of its own.
export default packageTests({ name: 'server', kind: 'processes', globalSetup: ['./test/database/global-setup.ts'] });
