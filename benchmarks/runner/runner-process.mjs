// A runner in a process of its own, as it would be. `node runner-process.mjs '<json of createRunner>'`
import { createLocalAdapter } from '@runbeat/adapter-local';
import { createRunner } from '@runbeat/runner';

const { runsDirectory, ...options } = JSON.parse(process.argv[2]);
const runner = createRunner({ ...options, adapters: [createLocalAdapter({ runsDirectory })] });
await runner.start();
process.on('SIGTERM', () => void runner.stop().then(() => process.exit(0)));
while (runner.health().client?.status !== 'streaming') await new Promise((resolve) => setTimeout(resolve, 20));
process.stdout.write('streaming\n');
