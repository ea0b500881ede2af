import { type AdapterV1, defineAdapter } from '@runbeat/adapter-sdk';
import { localConfig } from './config.js';
import { localInteractive } from './interactive/local-interactive.js';
import { createProcessRunner, type ProcessRunnerOptions, retentionOf, runsDirectoryOf } from './process-runner.js';
import { resultSpec, specFromConfig } from './spec-from-config.js';
import { testLocalEnvironment } from './test-environment.js';

export interface LocalAdapterOptions extends ProcessRunnerOptions {
  /** Runs at once on one host; absent = no limit. */
  readonly maxConcurrentRuns?: number;
  /** How long a worker in conversation may take to read what is written to it, in milliseconds. Default 10,000. */
  readonly stdinDeadlineMs?: number;
}

/**
 * Type `local`: commands of this machine that outlive the server. Linux and macOS. Its handle is of kind `process`, the
 * capsule that leads the run's group; everything else lies in the folder of the run id.
 */
export function createLocalAdapter(options: LocalAdapterOptions = {}): AdapterV1 {
  const retention = retentionOf(options);
  const runner = createProcessRunner(options, retention);
  return defineAdapter({
    specVersion: 'adapter-v1',
    type: 'local',
    configSchema: localConfig,
    ...(options.maxConcurrentRuns === undefined ? {} : { maxConcurrentRuns: options.maxConcurrentRuns }),
    hasOutOfProcessLiveness: true,
    execute: (context) => runner.run(context, specFromConfig(context.config, context)),
    outOfProcess: {
      kind: 'handle',
      probe: (query) => runner.probe(query, resultSpec(query.config)),
      reattach: (context) => runner.reattach(context, resultSpec(context.config)),
      terminate: (context) => runner.terminate(context, resultSpec(context.config)),
    },
    testEnvironment: (context) => testLocalEnvironment(context, runsDirectoryOf(options)),
    interactive: localInteractive({
      runsDirectory: () => runsDirectoryOf(options),
      retention,
      ...(options.stdinDeadlineMs === undefined ? {} : { stdin: { deadlineMs: options.stdinDeadlineMs } }),
    }),
  });
}
