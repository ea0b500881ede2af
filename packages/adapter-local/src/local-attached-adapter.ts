import { type AdapterV1, defineAdapter } from '@runbeat/adapter-sdk';
import { runAttached } from './attached/run-attached.js';
import { localAttachedConfig } from './config.js';
import { specFromConfig } from './spec-from-config.js';
import { testLocalEnvironment } from './test-environment.js';

export interface LocalAttachedAdapterOptions {
  /** Runs at once on one host; absent = no limit. */
  readonly maxConcurrentRuns?: number;
}

/**
 * Type `local-attached`: commands on pipes that end with the server. For Windows, for systems without a place to keep
 * files, and for commands that must never outlive who started them.
 */
export function createLocalAttachedAdapter(options: LocalAttachedAdapterOptions = {}): AdapterV1 {
  return defineAdapter({
    specVersion: 'adapter-v1',
    type: 'local-attached',
    configSchema: localAttachedConfig,
    ...(options.maxConcurrentRuns === undefined ? {} : { maxConcurrentRuns: options.maxConcurrentRuns }),
    hasOutOfProcessLiveness: false,
    execute: (context) => runAttached(context, specFromConfig(context.config, context)),
    testEnvironment: (context) => testLocalEnvironment(context, null),
  });
}
