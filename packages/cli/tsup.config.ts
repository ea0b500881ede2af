import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({
  entries: ['src/index.ts', 'src/bin.ts'],
  bundles: ['cli-table3', 'commander', 'log-update', 'picocolors', 'yocto-spinner'],
});
