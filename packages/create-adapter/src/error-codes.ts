/** Codes of the errors that this package tells its users. Each has a line in `docs/errors.md`. */
export const createAdapterErrorCodes = [
  'folder_missing',
  'folder_not_empty',
  'folder_not_writable',
  'name_invalid',
  'type_invalid',
  'arguments_invalid',
] as const;

export type CreateAdapterErrorCode = (typeof createAdapterErrorCodes)[number];
