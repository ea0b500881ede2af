import { packageBuild } from '../../tsup.shared.js';

// Of client-node's 57 MB (and 12 MB of what it asks for) two classes are used.
export default packageBuild({ entries: ['src/index.ts'], bundles: ['@kubernetes/client-node'] });
