/** Codes that this package adds to those that the server answers with. Each has a line in `docs/errors.md`. */
export const clientErrorCodes = ['server_unreachable', 'response_invalid', 'request_aborted', 'base_url_invalid'] as const;

export type ClientErrorCode = (typeof clientErrorCodes)[number];
