/** Codes of the errors that this package throws itself. Each has a line in `docs/errors.md`. */
export const adapterTestkitErrorCodes = [
  'condition_not_met',
  'adapter_not_found',
  'scripts_missing',
  'scripts_invalid',
  'host_process_failed',
  'testkit_not_built',
] as const;

export type AdapterTestkitErrorCode = (typeof adapterTestkitErrorCodes)[number];
