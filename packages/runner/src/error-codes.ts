/** Every code with which this package rejects or fails a run. Each has its line in `docs/errors.md`. */
export const runnerErrorCodes = [
  'runner_settings_invalid',
  'runner_home_locked',
  'runner_home_unusable',
  'runner_disconnected',
  'runner_spool_lost',
  'runner_internal_error',
  'runner_adapters_busy',
  'runner_adapters_unreadable',
  'runner_adapter_not_installed',
  'runner_adapter_type_changed',
  'runner_adapter_type_taken',
] as const;

export type RunnerErrorCode = (typeof runnerErrorCodes)[number];
