/** Every code with which this package rejects. Each has its line in `docs/errors.md`. */
export const adapterHostErrorCodes = [
  'adapter_closed',
  'adapter_crashed',
  'adapter_incompatible',
  'adapter_invalid',
  'adapter_load_failed',
  'adapter_not_found',
  'adapter_result_invalid',
  'adapter_unavailable',
  'adapter_unresponsive',
] as const;

export type AdapterHostErrorCode = (typeof adapterHostErrorCodes)[number];
