import { defineAdapter } from '@runbeat/adapter-sdk';
import { configSchema } from './config.js';
import { execute, probe, reattach, terminate } from './ssh-adapter.js';

/** Runs commands on another host through OpenSSH. The work survives this host, and the connection, in files over there. */
export default defineAdapter({
  specVersion: 'adapter-v1',
  type: 'ssh',
  configSchema,
  hasOutOfProcessLiveness: true,
  execute,
  outOfProcess: { kind: 'handle', probe, reattach, terminate },
});
