import { defineAdapter } from '@runbeat/adapter-sdk';
import { configSchema } from './config.js';
import { execute, probe, reattach, terminate } from './http-adapter.js';

/** Runs the work of agents as jobs of an HTTP service, which go on when the host dies. */
export default defineAdapter({
  specVersion: 'adapter-v1',
  type: 'http',
  configSchema,
  hasOutOfProcessLiveness: true,
  execute,
  outOfProcess: { kind: 'handle', probe, reattach, terminate },
});
