/** What a call to the API came to when it did not succeed. */
export type ApiErrorKind = 'status' | 'network' | 'timeout' | 'aborted';

interface ApiErrorParts {
  readonly kind: ApiErrorKind;
  readonly message: string;
  readonly status?: number;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

export interface StatusDetails {
  readonly name?: string;
  readonly kind?: string;
  readonly group?: string;
  readonly causes?: readonly { readonly field?: string; readonly message?: string; readonly reason?: string }[];
  readonly retryAfterSeconds?: number;
}

/** A failed call. `message` of kind `status` is the server's own text. */
class ApiError extends Error {
  readonly kind: ApiErrorKind;
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  readonly reason: string;
  readonly details: StatusDetails;
  readonly retryAfterMs: number | null;

  constructor(parts: ApiErrorParts) {
    super(parts.message, parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'KubernetesApiError';
    this.kind = parts.kind;
    this.status = parts.status ?? 0;
    this.reason = parts.reason ?? '';
    this.details = parts.details ?? {};
    this.retryAfterMs = parts.retryAfterMs ?? null;
  }
}

export type KubernetesApiError = ApiError;

export function createApiError(parts: ApiErrorParts): KubernetesApiError {
  return new ApiError(parts);
}

export function isApiError(error: unknown): error is KubernetesApiError {
  return error instanceof ApiError;
}

export function isStatus(error: unknown, status: number): boolean {
  return isApiError(error) && error.kind === 'status' && error.status === status;
}

/** Trying the same again can help: no answer, too many requests, a server's own trouble. 401 was tried already. */
export function isTransient(error: unknown): boolean {
  if (!isApiError(error)) return false;
  if (error.kind === 'network' || error.kind === 'timeout') return true;
  return error.kind === 'status' && (error.status === 429 || error.status >= 500 || error.status === 401);
}

/** Reads a `Status` body; a proxy's HTML or an empty body becomes a short text. */
export function apiErrorFromAnswer(status: number, bodyText: string, retryAfter: string | undefined): KubernetesApiError {
  const body = parseStatus(bodyText);
  const seconds = Number(retryAfter ?? body?.details?.retryAfterSeconds);
  return createApiError({
    kind: 'status',
    status,
    message: body?.message ?? `HTTP ${status}: ${bodyText.slice(0, 200).trim() || 'no body'}`,
    ...(body?.reason === undefined ? {} : { reason: body.reason }),
    ...(body?.details === undefined ? {} : { details: body.details }),
    ...(Number.isFinite(seconds) && seconds >= 0 ? { retryAfterMs: Math.min(seconds, 300) * 1000 } : {}),
  });
}

interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code?: number;
}

function parseStatus(text: string): StatusBody | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null && (body as { kind?: unknown }).kind === 'Status' ? body : null;
  } catch {
    return null;
  }
}
