/**
 * Codes of failures that are this adapter's own; everything else uses the host's codes. Each has a line in
 * `docs/errors.md`.
 */
export const adapterLocalErrorCodes = [
  'local.file_size_limit',
  'local.other_machine',
  'local.agent_failed',
  'local.rate_limited',
] as const;

export type AdapterLocalErrorCode = (typeof adapterLocalErrorCodes)[number];
