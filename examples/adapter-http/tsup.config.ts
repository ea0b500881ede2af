import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({ entries: { index: 'src/index.ts', serve: 'src/service/serve.ts' } });
