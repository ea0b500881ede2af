/** Codes of the errors that this package throws itself. Each has a line in `docs/errors.md`. */
export const adapterSdkErrorCodes = ['internal_error', 'invalid_argument', 'adapter_invalid'] as const;

export type AdapterSdkErrorCode = (typeof adapterSdkErrorCodes)[number];
