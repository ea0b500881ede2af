import { packageTests } from '../../vitest.shared.js';

export default packageTests({ name: 'adapter-k8s', kind: 'processes', include: ['src/**/*.test.ts', 'test/**/*.test.ts'] });
