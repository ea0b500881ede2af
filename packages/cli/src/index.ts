export { runCommandLine } from './command-line.js';
export { type CliErrorCode, cliErrorCodes } from './error-codes.js';
export { exitCodeFromRun, exitCodes } from './exit-codes.js';
export type { Terminal } from './output/terminal.js';
