import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({
  entries: { index: 'src/index.ts', 'worker-entry': 'src/worker/worker-entry.ts' },
  bundles: ['resolve.exports', 'semver'],
});
