import { packageTests } from '../../vitest.shared.js';

export default packageTests({ name: 'adapter-paperclip', kind: 'processes' });
