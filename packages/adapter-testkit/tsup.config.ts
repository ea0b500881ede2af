import { packageBuild } from '../../tsup.shared.js';

export default packageBuild({
  entries: {
    index: 'src/index.ts',
    bin: 'src/bin.ts',
    // Programs that the kit starts in processes of their own.
    'forked-host': 'src/host-kill/forked-host.ts',
    'conformance-workload': 'src/workload/conformance-workload.ts',
  },
});
