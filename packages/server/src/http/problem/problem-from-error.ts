import { isAdapterError } from '@runbeat/adapter-sdk';
import type { Problem, ProblemField } from '@runbeat/protocol';
import { hasZodFastifySchemaValidationErrors } from 'fastify-type-provider-zod';
import { databaseFailure } from '../../db/index.js';
import { isServerError } from '../../server-error.js';
import { errorCodeOf, errorMessageOf } from '../../supervisor/model/index.js';
import { HttpProblem } from './http-problem.js';
import { type ProblemCode, problemKinds } from './problem-kinds.js';

export interface ProblemAnswer {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  /** The error is a bug or a failure of the server, to be logged with its stack. */
  readonly isServerFault: boolean;
}

/** Codes of Fastify's own refusals. */
const frameworkCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body_malformed',
  FST_ERR_CTP_INVALID_JSON_BODY: 'body_malformed',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'body_malformed',
};

/** The one place where an error becomes an answer. What the client did is told; what we did is logged. */
export function problemFromError(rawError: unknown, requestId: string): ProblemAnswer {
  const error = databaseFailure(rawError);
  if (error instanceof HttpProblem) {
    return answer(error.code, error.message, requestId, {
      fields: error.fields,
      headers: error.headers,
      ...(error.evidence === null ? {} : { evidence: error.evidence }),
    });
  }
  if (hasZodFastifySchemaValidationErrors(error)) {
    const context = (error as { validationContext?: string }).validationContext ?? 'request';
    const fields = error.validation.flatMap((issue) => fieldsOf(context, issue));
    const where = fields.map((field) => field.field).join(', ');
    return answer('request_invalid', `These parts of the request are not valid: ${where}.`, requestId, { fields });
  }
  const code = errorCodeOf(error);
  const knownCode = code !== null && Object.hasOwn(frameworkCodes, code) ? frameworkCodes[code] : undefined;
  if (knownCode) return answer(knownCode, errorMessageOf(error), requestId);
  if (code !== null && Object.hasOwn(problemKinds, code)) {
    if (!isServerError(error)) return answer(code as ProblemCode, errorMessageOf(error), requestId);
    const evidence = error.evidence === null ? {} : { evidence: error.evidence as Problem['evidence'] };
    return answer(code as ProblemCode, error.message, requestId, { fields: error.fields, ...evidence });
  }
  if (isAdapterError(error)) return answer('adapter_error', errorMessageOf(error), requestId);
  const status = (error as { statusCode?: unknown }).statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) {
    return answer('request_invalid', errorMessageOf(error), requestId, { status });
  }
  return answer('internal_error', 'The server could not answer this request.', requestId);
}

function answer(
  code: ProblemCode,
  detail: string,
  requestId: string,
  options: {
    readonly fields?: readonly ProblemField[];
    readonly headers?: Readonly<Record<string, string>>;
    readonly status?: number;
    readonly evidence?: Problem['evidence'];
  } = {},
): ProblemAnswer {
  const kind = problemKinds[code] ?? { status: 422, title: 'Refused', remedy: 'See docs/errors.md for this code.' };
  const status = options.status ?? kind.status;
  return {
    problem: {
      type: `https://runbeat.dev/errors#${code}`,
      title: kind.title,
      status,
      detail,
      code,
      remedy: kind.remedy,
      requestId,
      ...(options.fields && options.fields.length > 0 ? { errors: [...options.fields] } : {}),
      ...(options.evidence === undefined ? {} : { evidence: options.evidence }),
    },
    headers: { ...(status === 503 ? { 'retry-after': '1' } : {}), ...options.headers },
    isServerFault: status >= 500,
  };
}

/** `body.adapterConfig.args[0]`: zod's path as a person would write it. Unknown members are named themselves. */
function fieldsOf(
  context: string,
  issue: { readonly instancePath: string; readonly message?: string; readonly params: Record<string, unknown> },
): ProblemField[] {
  const base = issue.instancePath
    .split('/')
    .filter((part) => part !== '')
    .reduce((path, part) => (/^\d+$/.test(part) ? `${path}[${part}]` : `${path}.${part}`), contextNames[context] ?? context);
  const unknownKeys = issue.params['keys'];
  if (Array.isArray(unknownKeys)) {
    return unknownKeys.map((key) => ({ field: `${base}.${String(key)}`, message: 'there is no such field' }));
  }
  return [{ field: base, message: issue.message ?? 'not valid' }];
}

const contextNames: Readonly<Record<string, string>> = { querystring: 'query', params: 'path' };
