import { packageTests } from '../vitest.shared.js';

export default packageTests({ name: 'e2e', kind: 'processes', include: ['**/*.test.ts'] });
