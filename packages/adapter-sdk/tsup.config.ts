import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({ entries: { index: 'src/index.ts', processes: 'src/processes/index.ts' } });
