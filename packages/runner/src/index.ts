export {
  createInstalledAdapters,
  type InstallAdapterOptions,
  type InstalledAdapters,
  type InstalledAdaptersOptions,
} from './adapters/installed-adapters.js';
export type { InstalledAdapterListing, InstalledAdapterState } from './adapters/list-adapters.js';
export { createRunner, type Runner, type RunnerOptions } from './create-runner.js';
export { type RunnerErrorCode, runnerErrorCodes } from './error-codes.js';
export { loadRunnerAdapters, type RunnerAdaptersOptions } from './execution/load-runner-adapters.js';
export { isRunnerError, type RunnerError } from './runner-error.js';
export type { RunnerLogger } from './runner-logger.js';
export { type RunnerClientSettings, runnerClientSettingsSchema } from './runner-settings.js';
