import type { Json } from '@runbeat/adapter-sdk';

/** Which call an answer belongs to: `scope` = who called which route, so keys of different callers do not meet. */
export interface IdempotencyKey {
  readonly scope: string;
  readonly key: string;
}

/** The answer of a creating call, for the same call again: kept in the transaction that creates, so that both are true or neither. */
export interface KeptAnswer extends IdempotencyKey {
  /** Of the body: the key with another body is refused. */
  readonly requestHash: string;
  /** Of HTTP. */
  readonly status: number;
  readonly body: Json;
}

/** Given to what creates a `Row`: the answer to keep with it. Null = the call has no key, nothing is kept. */
export type AnswerOf<Row> = ((row: Row) => KeptAnswer) | null;
