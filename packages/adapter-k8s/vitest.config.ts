import { packageTests } from '../../vitest.shared.js';

const project = packageTests({ name: 'adapter-k8s', kind: 'processes' });

// Each file has a simulator, ports and folders of its own, and most of the time it waits: two files at once.
export default { ...project, test: { ...project.test, fileParallelism: true } };
