import { packageTests } from '../../vitest.shared.js';

export default packageTests({ name: 'example-ssh', kind: 'processes' });
