import { packageTests } from '../../vitest.shared.js';

export default packageTests({ name: 'adapter-host', kind: 'processes' });
