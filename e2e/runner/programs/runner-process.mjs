// A runner as a process of its own, with the local adapter. `node runner-process.mjs '<json>'`; log lines go to stdout.
import { createLocalAdapter, createLocalAttachedAdapter } from '@runbeat/adapter-local';
import { createRunner, loadRunnerAdapters } from '@runbeat/runner';

const { runsDirectory, packages = [], ...options } = JSON.parse(process.argv[2] ?? '{}');
const write = (level) => (fields, message) => process.stdout.write(`${JSON.stringify({ level, message, ...fields })}\n`);
process.stdout.on('error', () => undefined);
const runner = createRunner({
  ...options,
  adapters: [
    createLocalAdapter({ runsDirectory }),
    createLocalAttachedAdapter(),
    ...(await loadRunnerAdapters({ home: options.home, packages })),
  ],
  logger: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
});
for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, () => {
    runner.stop().then(
      () => process.exit(0),
      (error) => {
        write('error')({ err: String(error) }, 'the runner did not stop cleanly');
        process.exit(1);
      },
    );
  });
}
await runner.start();
write('info')({ port: runner.healthPort }, 'started');
