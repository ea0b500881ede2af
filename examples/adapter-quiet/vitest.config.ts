import { packageTests } from '../../vitest.shared.js';

export default packageTests({ name: 'example-quiet', kind: 'processes' });
