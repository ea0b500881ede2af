export { createRunner, type Runner, type RunnerOptions } from './create-runner.js';
export { type RunnerErrorCode, runnerErrorCodes } from './error-codes.js';
export { isRunnerError, type RunnerError } from './runner-error.js';
export type { RunnerLogger } from './runner-logger.js';
export { type RunnerClientSettings, runnerClientSettingsSchema } from './runner-settings.js';
