import { commandScripts } from '@runbeat/adapter-testkit';

// A config of this adapter for each behaviour that the conformance suite needs. The suite brings the programs.
export default {
  scripts: commandScripts((command, args) => ({ command, args, graceMs: 500 })),
};
