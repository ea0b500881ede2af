import {
  idParamsSchema,
  runnerClaimedSchema,
  runnerClaimSchema,
  runnerFinishedSchema,
  runnerFinishSchema,
  runnerHeartbeatAnswerSchema,
  runnerHeartbeatSchema,
  runnerJobParamsSchema,
  runnerLeaseEpochHeader,
  runnerLogContentType,
  runnerLogLimitBytes,
  runnerLogPositionSchema,
  runnerPolledSchema,
  runnerPollSchema,
  runnerProtocolVersion,
  runnerResendSchema,
  runnerSessionHeader,
  runnerSessionOpenedSchema,
  runnerSessionOpenSchema,
} from '@runbeat/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import { ServerError } from '../../server-error.js';
import { logRangeFromHeader } from '../plan-log-range.js';
import type { RunnerRecord } from '../runner-record.js';
import type { RunnerService } from '../runner-service.js';
import { sendRunnerRefusal } from './runner-problem.js';

const tags = ['runner protocol'];
/** Open to the HTTP layer, because the runner's token is checked here. */
const config = { access: 'open' } as const;
/** A session or a heartbeat may report thousands of jobs, a finish may carry a large result. */
const REPORT_LIMIT_BYTES = 8 * 1_048_576;

/**
 * `/api/runners/:id/v1/…`: what runners call. Authenticated here by the runner's own token and nothing else.
 */
export function runnerProtocolRoutes(service: RunnerService): (app: FastifyInstance) => Promise<void> {
  return async (rawApp) => {
    const app = rawApp.withTypeProvider<ZodTypeProvider>();
    const base = `/api/runners/:id/${runnerProtocolVersion}`;
    app.setErrorHandler(sendRunnerRefusal);
    // Held polls would hold the close back; their runners are to know at once that this server goes.
    app.addHook('preClose', () => service.stop());
    app.addContentTypeParser(
      runnerLogContentType,
      { parseAs: 'buffer', bodyLimit: runnerLogLimitBytes },
      (_request, body, done) => done(null, body),
    );

    app.post(
      `${base}/sessions`,
      {
        config,
        schema: { tags, params: idParamsSchema, body: runnerSessionOpenSchema, response: { 200: runnerSessionOpenedSchema } },
        bodyLimit: REPORT_LIMIT_BYTES,
      },
      async (request) => service.openSession(await caller(service, request), request.body),
    );
    app.post(
      `${base}/poll`,
      { config, schema: { tags, params: idParamsSchema, body: runnerPollSchema, response: { 200: runnerPolledSchema } } },
      async (request) => {
        const { id } = await caller(service, request);
        const gone = new AbortController();
        const onClose = (): void => gone.abort();
        request.raw.socket.once('close', onClose);
        try {
          return await service.poll(id, request.body, gone.signal);
        } finally {
          request.raw.socket.removeListener('close', onClose);
        }
      },
    );
    app.post(
      `${base}/heartbeat`,
      {
        config,
        schema: { tags, params: idParamsSchema, body: runnerHeartbeatSchema, response: { 200: runnerHeartbeatAnswerSchema } },
        bodyLimit: REPORT_LIMIT_BYTES,
      },
      async (request) => service.heartbeat((await caller(service, request)).id, request.body),
    );
    app.post(
      `${base}/jobs/:runId/claim`,
      {
        config,
        schema: { tags, params: runnerJobParamsSchema, body: runnerClaimSchema, response: { 200: runnerClaimedSchema } },
      },
      async (request) => service.claim((await caller(service, request)).id, request.params.runId, request.body),
    );
    app.patch(
      `${base}/jobs/:runId/log`,
      {
        config,
        schema: {
          tags,
          params: runnerJobParamsSchema,
          headers: z.object({ [runnerSessionHeader]: z.uuid(), [runnerLeaseEpochHeader]: z.coerce.number().int() }),
          response: { 202: runnerLogPositionSchema, 416: runnerLogPositionSchema },
        },
        bodyLimit: runnerLogLimitBytes,
      },
      async (request, reply) => {
        const { id } = await caller(service, request);
        const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
        const range = logRangeFromHeader(request.headers['content-range'] as string | undefined, body.length);
        if (range === null) {
          throw new ServerError('runner_log_invalid', 'Content-Range must be `bytes <from>-<last>/*` and match the body.');
        }
        const sessionId = String(request.headers[runnerSessionHeader]);
        const leaseEpoch = Number(request.headers[runnerLeaseEpochHeader]);
        const answer = await service.log(id, request.params.runId, { sessionId, leaseEpoch, range, body });
        return reply.code(answer.kind === 'rewind' ? 416 : 202).send({ next: answer.next });
      },
    );
    app.post(
      `${base}/jobs/:runId/finish`,
      {
        config,
        schema: {
          tags,
          params: runnerJobParamsSchema,
          body: runnerFinishSchema,
          response: { 200: runnerFinishedSchema, 202: runnerFinishedSchema, 412: runnerResendSchema },
        },
        bodyLimit: REPORT_LIMIT_BYTES,
      },
      async (request, reply) => {
        const { id } = await caller(service, request);
        const answer = await service.finish(id, request.params.runId, request.body);
        if (answer.kind === 'resend') return reply.code(412).send({ resendFrom: answer.from });
        if (answer.kind === 'accepted') return reply.code(200).send({ state: 'accepted' as const, retryAfterMs: 0 });
        return reply.code(202).send({ state: 'pending' as const, retryAfterMs: answer.retryAfterMs });
      },
    );
    app.post('/api/runners/:id/:version/*', { config, schema: { hide: true } }, async () => {
      throw new ServerError(
        'runner_protocol_unsupported',
        `This server speaks version ${runnerProtocolVersion} of the runner protocol. Use a runner of its release.`,
      );
    });
  };
}

/** The runner that calls; its token must be the one of the id in the path. */
async function caller(service: RunnerService, request: FastifyRequest): Promise<RunnerRecord> {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ');
  const { id } = request.params as { id: string };
  if (scheme?.toLowerCase() !== 'bearer' || !token) {
    throw new ServerError('runner_token_invalid', 'Send the token of the runner as `Authorization: Bearer …`.');
  }
  return service.authenticate(id, token);
}
