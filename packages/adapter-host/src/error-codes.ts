/** Every code with which this package rejects. Each has its line in `docs/errors.md`. */
export const adapterHostErrorCodes = [
  'adapter_closed',
  'adapter_crashed',
  'adapter_incompatible',
  'adapter_install_failed',
  'adapter_invalid',
  'adapter_load_failed',
  'adapter_missing',
  'adapter_not_found',
  'adapter_package_invalid',
  'adapter_result_invalid',
  'adapter_spec_invalid',
  'adapter_unavailable',
  'adapter_unresponsive',
] as const;

export type AdapterHostErrorCode = (typeof adapterHostErrorCodes)[number];
