import { packageTests } from '../../vitest.shared.js';

export default packageTests({ name: 'adapter-k8s', kind: 'processes' });
