import { RESOURCE_KINDS, type ResourceName } from './api-objects.js';

/** A `Status` body. Texts are those of a real 1.34 (test/golden). */
export interface StatusBody {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: { readonly continue?: string };
  readonly status: 'Failure' | 'Success';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: Record<string, unknown>;
  readonly code?: number;
}

/** Thrown by handlers; the server turns it into an answer. */
export class ApiFailure extends Error {
  readonly body: StatusBody;
  readonly headers: Readonly<Record<string, string>>;
  constructor(body: StatusBody, headers: Readonly<Record<string, string>> = {}) {
    super(body.message);
    this.body = body;
    this.headers = headers;
  }
}

export interface StatusParts {
  readonly code: number;
  /** Absent: the real server leaves it out too (kubelet away). */
  readonly reason?: string;
  readonly message: string;
  readonly details?: Record<string, unknown>;
  readonly continueToken?: string;
}

export function failureStatus(parts: StatusParts): StatusBody {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: parts.continueToken === undefined ? {} : { continue: parts.continueToken },
    status: 'Failure',
    message: parts.message,
    ...(parts.reason === undefined ? {} : { reason: parts.reason }),
    ...(parts.details === undefined ? {} : { details: parts.details }),
    code: parts.code,
  };
}

export function failure(parts: StatusParts, headers: Readonly<Record<string, string>> = {}): ApiFailure {
  return new ApiFailure(failureStatus(parts), headers);
}

/** `jobs.batch` or `pods`, as messages spell it. */
export function qualified(resource: ResourceName): string {
  const { group } = RESOURCE_KINDS[resource];
  return group === '' ? resource : `${resource}.${group}`;
}

/** `details` of a resource: name, group (only outside the core group), kind = the plural. */
export function detailsOf(resource: ResourceName, name?: string): Record<string, unknown> {
  const { group } = RESOURCE_KINDS[resource];
  return { ...(name === undefined ? {} : { name }), ...(group === '' ? {} : { group }), kind: resource };
}

export const badRequest = (message: string): ApiFailure => failure({ code: 400, reason: 'BadRequest', message });

export const notFound = (resource: ResourceName, name: string): ApiFailure =>
  failure({
    code: 404,
    reason: 'NotFound',
    message: `${qualified(resource)} "${name}" not found`,
    details: detailsOf(resource, name),
  });

export const noSuchResource = (): ApiFailure =>
  failure({ code: 404, reason: 'NotFound', message: 'the server could not find the requested resource', details: {} });

export const methodNotAllowed = (): ApiFailure =>
  failure({
    code: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
    details: {},
  });

export const unauthorized = (): ApiFailure => failure({ code: 401, reason: 'Unauthorized', message: 'Unauthorized' });

export const alreadyExists = (resource: ResourceName, name: string, isBeingDeleted: boolean): ApiFailure =>
  failure({
    code: 409,
    reason: 'AlreadyExists',
    message: `${isBeingDeleted ? 'object is being deleted: ' : ''}${qualified(resource)} "${name}" already exists`,
    details: detailsOf(resource, name),
  });

export const modifiedMeanwhile = (resource: ResourceName, name: string): ApiFailure =>
  failure({
    code: 409,
    reason: 'Conflict',
    message: `Operation cannot be fulfilled on ${qualified(resource)} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
    details: detailsOf(resource, name),
  });

export interface FieldCause {
  readonly reason:
    | 'FieldValueRequired'
    | 'FieldValueInvalid'
    | 'FieldValueForbidden'
    | 'FieldValueNotSupported'
    | 'FieldValueTooLong';
  readonly message: string;
  readonly field: string;
}

/** 422 with its causes; one cause stands alone, several in brackets. `kind` is what messages call the object. */
export function invalid(what: { kind: string; group?: string; name: string }, causes: readonly FieldCause[]): ApiFailure {
  const subject = what.group ? `${what.kind}.${what.group}` : what.kind;
  const texts = [...new Set(causes.map((cause) => `${cause.field}: ${cause.message}`))];
  return failure({
    code: 422,
    reason: 'Invalid',
    message: `${subject} "${what.name}" is invalid: ${texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`}`,
    details: {
      ...(what.name === '' ? {} : { name: what.name }),
      ...(what.group ? { group: what.group } : {}),
      ...(what.kind === '' ? {} : { kind: what.kind }),
      causes,
    },
  });
}

export const tooOld = (asked: number, oldest: number): StatusBody =>
  failureStatus({ code: 410, reason: 'Expired', message: `too old resource version: ${asked} (${oldest})` });

export const tooLarge = (asked: string, current: number): ApiFailure =>
  failure(
    {
      code: 504,
      reason: 'Timeout',
      message: `Timeout: Too large resource version: ${asked}, current: ${current}`,
      details: {
        causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
        retryAfterSeconds: 1,
      },
    },
    { 'Retry-After': '1' },
  );
