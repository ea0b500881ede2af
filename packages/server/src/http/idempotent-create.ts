import { createHash } from 'node:crypto';
import type { JsonValue } from '@runbeat/protocol';
import { idempotencyKeySchema } from '@runbeat/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { claimIdempotency, completeIdempotency, releaseIdempotency } from '../db/index.js';
import { callerName } from '../security/caller.js';
import { callerOf } from './access/route-access.js';
import { HttpProblem } from './problem/http-problem.js';
import type { ServerServices } from './services.js';

/** A claim whose server died in it is taken over after this long. */
const abandonedAfterMs = 60_000;

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
 * Answers 201 with what `create` gives. With an `Idempotency-Key`, the same request of the same caller is done once and
 * answered the same way again (header `idempotency-replayed: true`).
 */
export async function idempotentCreate<Body>(
  services: Pick<ServerServices, 'database' | 'clock'>,
  request: FastifyRequest,
  reply: FastifyReply,
  create: () => Promise<Body>,
): Promise<Body> {
  const key = idempotencyKeyOf(request);
  if (key === null) {
    reply.code(201);
    return create();
  }
  const { executor } = services.database;
  const path = request.url.split('?')[0] ?? '';
  const record = { scope: `${callerName(callerOf(request))} ${request.method} ${path}`, key };
  const requestHash = createHash('sha256')
    .update(JSON.stringify(request.body ?? null))
    .digest('hex');
  const stored = await claim(services, { ...record, requestHash });
  if (stored !== null) {
    reply.code(stored.status).header('idempotency-replayed', 'true');
    return stored.body as Body;
  }
  let body: Body;
  try {
    body = await create();
  } catch (error) {
    await releaseIdempotency(executor, record);
    throw error;
  }
  await completeIdempotency(executor, record, { status: 201, body: body as JsonValue });
  reply.code(201);
  return body;
}

async function claim(
  services: Pick<ServerServices, 'database' | 'clock'>,
  record: { readonly scope: string; readonly key: string; readonly requestHash: string },
): Promise<{ readonly status: number; readonly body: unknown } | null> {
  const { executor } = services.database;
  const now = services.clock.now();
  const first = await claimIdempotency(executor, record, now);
  if (first.outcome === 'claimed') return null;
  if (first.requestHash !== record.requestHash) {
    throw new HttpProblem('idempotency_key_reused', 'This Idempotency-Key was used for a request with another body.');
  }
  if (first.outcome === 'completed') return first;
  if (now.getTime() - first.since.getTime() > abandonedAfterMs) {
    await releaseIdempotency(executor, record);
    if ((await claimIdempotency(executor, record, now)).outcome === 'claimed') return null;
  }
  throw new HttpProblem('idempotency_in_progress', 'The first request with this Idempotency-Key has not been answered yet.');
}
