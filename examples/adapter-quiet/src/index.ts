import { defineAdapter } from '@runbeat/adapter-sdk';
import { configSchema } from './config.js';
import { execute, terminate } from './quiet-adapter.js';

/** Runs programs that print next to nothing for hours. `onAlive` is what keeps their runs from being taken for dead. */
export default defineAdapter({
  specVersion: 'adapter-v1',
  type: 'quiet',
  configSchema,
  hasOutOfProcessLiveness: true,
  execute,
  // Nothing here can be asked later: no probe, no reattach. Output and onAlive are the only proof of life.
  outOfProcess: { kind: 'log-driven', terminate },
});
