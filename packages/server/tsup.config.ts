import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({ entries: ['src/index.ts'] });
