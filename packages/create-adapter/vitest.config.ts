import { packageTests } from '../../vitest.shared.js';

export default packageTests({ name: 'create-adapter', kind: 'processes', include: ['src/**/*.test.ts', 'test/**/*.test.ts'] });
