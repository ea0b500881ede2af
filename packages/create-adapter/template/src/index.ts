import { defineAdapter } from '@runbeat/adapter-sdk';
import { testEnvironment } from './check-environment.js';
import { configSchema } from './config.js';
import { runCommand } from './run-command.js';

/** Runs a command as the work of an agent. The command ends with its host. */
export default defineAdapter({
  specVersion: 'adapter-v1',
  type: '{{type}}',
  configSchema,
  hasOutOfProcessLiveness: false,
  execute: runCommand,
  testEnvironment,
});
