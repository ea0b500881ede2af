import type { JsonValue, ProblemField } from '@runbeat/protocol';
import type { ProblemCode } from './problem-kinds.js';

/** Thrown by routes and hooks: the answer is a problem document with this code. */
export class HttpProblem extends Error {
  readonly code: ProblemCode;
  readonly fields: readonly ProblemField[];
  readonly evidence: JsonValue;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ProblemCode,
    detail: string,
    options: {
      readonly fields?: readonly ProblemField[];
      /** Facts for a program; no secret. */
      readonly evidence?: JsonValue;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(detail);
    this.name = 'HttpProblem';
    this.code = code;
    this.fields = options.fields ?? [];
    this.evidence = options.evidence ?? null;
    this.headers = options.headers ?? {};
  }
}
