import { packageTests } from '../../vitest.shared.js';

export default packageTests({ name: 'adapter-local', kind: 'processes' });
