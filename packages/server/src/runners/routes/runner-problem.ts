import { type Problem, problemContentType } from '@runbeat/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerErrorCode } from '../../error-codes.js';
import { isServerError, type ServerError } from '../../server-error.js';

/** How the refusals of the runner protocol look on the wire. Codes that are not listed are not the protocol's own. */
const statusByCode: Partial<Record<ServerErrorCode, number>> = {
  runner_token_invalid: 401,
  runner_unknown: 404,
  run_unknown: 404,
  session_superseded: 409,
  session_resync: 409,
  session_active: 409,
  run_fenced: 410,
  runner_log_invalid: 400,
  run_not_attached: 425,
  runner_protocol_unsupported: 426,
  server_closed: 503,
};

/** The status of a refusal of the protocol; null = an error that is somebody else's to answer. */
export function runnerRefusalStatus(error: unknown): number | null {
  return isServerError(error) ? (statusByCode[error.code] ?? null) : null;
}

/** Answers a refusal as problem details; anything else goes on to the server's own error handler. */
export async function sendRunnerRefusal(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const status = runnerRefusalStatus(error);
  if (status === null) throw error;
  const { code, message } = error as ServerError;
  const problem: Problem = {
    type: `https://runbeat.dev/errors#${code}`,
    title: code.replaceAll('_', ' '),
    status,
    detail: message,
    code,
    remedy: message,
    requestId: request.id,
  };
  if (status === 503) reply.header('retry-after', '1').header('connection', 'close');
  return reply.code(status).type(problemContentType).send(problem);
}
