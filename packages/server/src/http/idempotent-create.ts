import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Json } from '@runbeat/adapter-sdk';
import { idempotencyKeySchema } from '@runbeat/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { findKeptAnswer, replaceKeptBody } from '../db/index.js';
import { callerName } from '../security/caller.js';
import { type AnswerOf, errorCodeOf, type KeptAnswer } from '../supervisor/model/index.js';
import { callerOf } from './access/route-access.js';
import { HttpProblem } from './problem/http-problem.js';
import type { ServerServices } from './services.js';

/** The request's `Idempotency-Key`; null = it has none. */
export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const header = request.headers['idempotency-key'];
  if (header === undefined) return null;
  const parsed = idempotencyKeySchema.safeParse(header);
  if (parsed.success) return parsed.data;
  throw new HttpProblem('request_invalid', 'The header Idempotency-Key is not valid.', {
    fields: [{ field: 'headers.idempotency-key', message: '1 to 200 printable ASCII characters' }],
  });
}

/**
 * Answers 201 with what `create` made, as `wire` puts it. With an `Idempotency-Key` the answer is kept in the transaction
 * that creates, so the same request of the same caller creates once, whenever and wherever a server dies, and is answered
 * the same way again (header `idempotency-replayed: true`). Two at once both try; the one that comes second to the commit
 * is undone and given the answer of the first.
 */
export async function idempotentCreate<Row, Body>(
  services: Pick<ServerServices, 'database'>,
  request: FastifyRequest,
  reply: FastifyReply,
  work: { create(answerOf: AnswerOf<Row>): Promise<Row>; wire(row: Row): Body },
): Promise<Body> {
  const rawKey = idempotencyKeyOf(request);
  reply.code(201);
  if (rawKey === null) return work.wire(await work.create(null));
  const { executor } = services.database;
  const path = request.url.split('?')[0] ?? '';
  const key = { scope: `${callerName(callerOf(request))} ${request.method} ${path}`, key: rawKey };
  const requestHash = createHash('sha256')
    .update(JSON.stringify(request.body ?? null))
    .digest('hex');
  const replay = (kept: KeptAnswer): Body => {
    if (kept.requestHash !== requestHash) {
      throw new HttpProblem('idempotency_key_reused', 'This Idempotency-Key was used for a request with another body.');
    }
    reply.code(kept.status).header('idempotency-replayed', 'true');
    return kept.body as Body;
  };
  const earlier = await findKeptAnswer(executor, key);
  if (earlier !== null) return replay(earlier);
  let keptBody: Body | undefined;
  let row: Row;
  try {
    row = await work.create((created) => {
      keptBody = work.wire(created);
      return { ...key, requestHash, status: 201, body: keptBody as Json };
    });
  } catch (error) {
    const quicker = errorCodeOf(error) === 'idempotency_in_progress' ? await findKeptAnswer(executor, key) : null;
    if (quicker === null) throw error;
    return replay(quicker);
  }
  const body = work.wire(row);
  // What goes on after the commit, as the start of a session's worker, may have changed it.
  if (!isDeepStrictEqual(body, keptBody)) await replaceKeptBody(executor, key, body as Json);
  return body;
}
