import { isServerError, ServerError } from '../server-error.js';

const connectionErrnos = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
]);
/** SQLSTATEs with which a server turns clients away or ends them: shutdown, crash, start, no room, connection failures. */
const connectionStates = /^(?:57P0[1235]|08\d{3}|53300|25P0[34])$/;
/** The driver gives these without any code. */
const driverMessages =
  /Connection terminated|timeout exceeded when trying to connect|not queryable|Query read timeout|Client was closed|Cannot use a pool after calling end/;
const retryStates = new Set(['40001', '40P01']);
/** Two transactions gave the same `seq` to events of one run; the second one counts anew. */
const eventSeqConstraint = 'heartbeat_run_events_run_id_seq_pk';

interface DriverError {
  readonly code?: unknown;
  readonly message?: unknown;
  readonly constraint?: unknown;
  readonly cause?: unknown;
}

/** drizzle wraps the driver's errors; what counts is inside. */
function driverErrorOf(error: unknown): DriverError {
  let current = error as DriverError | null | undefined;
  while (current?.code === undefined && typeof current?.cause === 'object' && current.cause !== null) {
    current = current.cause as DriverError;
  }
  return current ?? {};
}

/** True when the database could not be reached or went away, so that the same statement may succeed later. */
export function isConnectionFailure(error: unknown): boolean {
  if (isServerError(error)) return error.code === 'database_unavailable';
  const { code, message } = driverErrorOf(error);
  if (typeof code === 'string') return connectionErrnos.has(code) || connectionStates.test(code);
  return typeof message === 'string' && driverMessages.test(message);
}

/** True when the transaction lost against another one and succeeds when it is simply run again. */
export function isRetryableConflict(error: unknown): boolean {
  const { code, constraint } = driverErrorOf(error);
  return retryStates.has(String(code)) || (code === '23505' && constraint === eventSeqConstraint);
}

/** The name of the constraint when the error is a unique violation, else null. */
export function violatedUniqueConstraint(error: unknown): string | null {
  const { code, constraint } = driverErrorOf(error);
  return code === '23505' ? String(constraint) : null;
}

/** `database_unavailable` for a lost connection, anything else as it is. */
export function databaseFailure(error: unknown): unknown {
  if (!isConnectionFailure(error) || isServerError(error)) return error;
  const { message } = driverErrorOf(error);
  return new ServerError(
    'database_unavailable',
    `The database cannot be reached (${String(message)}). Runbeat goes on by itself once it is back; check that PostgreSQL runs and that DATABASE_URL, where it is set, names it.`,
    { cause: error },
  );
}
