import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({
  entries: ['src/index.ts', 'src/process.ts'],
  bundles: ['@agentclientprotocol/sdk', 'execa'],
});
