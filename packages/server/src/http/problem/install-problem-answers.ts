import { problemContentType } from '@runbeat/protocol';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from '../../supervisor/ports/index.js';
import type { HttpApp } from '../services.js';
import { HttpProblem } from './http-problem.js';
import { problemFromError } from './problem-from-error.js';

/** Every refusal and failure of a route, of a hook or of Fastify itself is answered as a problem document. */
export function installProblemAnswers(app: HttpApp, logger: Logger): void {
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, logger));
  app.setNotFoundHandler((request, reply) =>
    sendProblem(
      new HttpProblem('route_not_found', `There is no ${request.method} ${pathOf(request.url)}.`),
      request,
      reply,
      logger,
    ),
  );
}

export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, logger: Logger): FastifyReply {
  const { problem, headers, isServerFault } = problemFromError(error, request.id);
  if (isServerFault) {
    const log = problem.code === 'internal_error' ? logger.error : logger.warn;
    log.call(
      logger,
      { err: error, requestId: request.id, method: request.method, route: request.routeOptions.url },
      'A request could not be answered',
    );
  }
  return reply
    .code(problem.status)
    .headers(headers)
    .header('content-type', problemContentType)
    .serializer((value: unknown) => JSON.stringify(value))
    .send(problem);
}

/** Without the query, which may hold anything. */
function pathOf(url: string): string {
  return (url.split('?')[0] ?? '').slice(0, 200);
}
