import type { JsonValue, Problem, ProblemField } from '@runbeat/protocol';

const apiErrorMark = Symbol.for('runbeat.api-error');

/** A call that did not succeed: the server's own problem document, or what kept us from getting one. */
export class RunbeatApiError extends Error {
  /** One of the server's codes, or of `clientErrorCodes`. */
  readonly code: string;
  /** HTTP status; 0 = there was no answer. */
  readonly status: number;
  /** What to do; null when nobody knows. */
  readonly remedy: string | null;
  /** The fields that were refused; empty when it is none of a field's. */
  readonly errors: readonly ProblemField[];
  readonly evidence: JsonValue;
  /** Finds the request in the server's log; null = there was no answer. */
  readonly requestId: string | null;
  /** The server asked to wait this long; null = it did not say. */
  readonly retryAfterMs: number | null;

  constructor(fields: {
    readonly code: string;
    readonly message: string;
    readonly status?: number;
    readonly remedy?: string | null;
    readonly errors?: readonly ProblemField[];
    readonly evidence?: JsonValue;
    readonly requestId?: string | null;
    readonly retryAfterMs?: number | null;
    readonly cause?: unknown;
  }) {
    super(fields.message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = 'RunbeatApiError';
    this.code = fields.code;
    this.status = fields.status ?? 0;
    this.remedy = fields.remedy ?? null;
    this.errors = fields.errors ?? [];
    this.evidence = fields.evidence ?? null;
    this.requestId = fields.requestId ?? null;
    this.retryAfterMs = fields.retryAfterMs ?? null;
    Object.defineProperty(this, apiErrorMark, { value: true });
  }
}

/** True for a `RunbeatApiError` of any copy of this package. */
export function isRunbeatApiError(value: unknown): value is RunbeatApiError {
  return typeof value === 'object' && value !== null && (value as Record<PropertyKey, unknown>)[apiErrorMark] === true;
}

/** What the server answered, as an error. A proxy's HTML page is told apart from an answer of the server. */
export async function apiErrorFromResponse(response: Response, call: string): Promise<RunbeatApiError> {
  const text = await response.text().catch(() => '');
  const problem = problemFromText(text);
  const retryAfter = Number(response.headers.get('retry-after'));
  const retryAfterMs = Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1_000 : null;
  if (problem === null) {
    return new RunbeatApiError({
      code: 'response_invalid',
      status: response.status,
      message: `${call} was answered with status ${response.status} and no problem document: this is not a Runbeat server, or a proxy answered for it.`,
      retryAfterMs,
    });
  }
  return new RunbeatApiError({
    code: problem.code,
    status: response.status,
    message: problem.detail,
    remedy: problem.remedy,
    errors: problem.errors ?? [],
    evidence: problem.evidence ?? null,
    requestId: problem.requestId,
    retryAfterMs,
  });
}

function problemFromText(text: string): Problem | null {
  try {
    const value = JSON.parse(text) as Partial<Problem> | null;
    return typeof value?.code === 'string' && typeof value.detail === 'string' ? (value as Problem) : null;
  } catch {
    // Not JSON: whoever answered is not our server.
    return null;
  }
}
