/**
 * Every code of this package, one list; `docs/errors.md` holds a row for each (a test compares them). Add yours to the
 * area it belongs to.
 */
export const serverErrorCodes = [
  // settings and start
  'settings_invalid',
  'server_closed',
  'home_locked',
  'home_unusable',
  // database
  'database_unavailable',
  'database_start_failed',
  'database_too_old',
  // logs
  'log_store_full',
  'log_store_unavailable',
  'log_offset_invalid',
  'log_fenced',
] as const;

export type ServerErrorCode = (typeof serverErrorCodes)[number];
