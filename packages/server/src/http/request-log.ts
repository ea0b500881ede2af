import type { HttpApp, ServerServices } from './services.js';

/**
 * One line per request. What is asked again and again (health, polling, log pages: every successful read) is at debug,
 * so that the log shows what changed something and what went wrong. Never the query, a header or a body: they may hold
 * secrets.
 */
export function installRequestLog(app: HttpApp, services: Pick<ServerServices, 'logger' | 'metrics'>): void {
  const { logger, metrics } = services;
  app.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none';
    const { method } = request;
    const { statusCode } = reply;
    const elapsedMs = Math.round(reply.elapsedTime * 10) / 10;
    metrics.observe('http_request_duration_ms', elapsedMs, { method, route, status: `${Math.floor(statusCode / 100)}xx` });
    const fields = { requestId: request.id, method, route, statusCode, elapsedMs };
    if (statusCode >= 500) logger.warn(fields, 'Request failed');
    else if (method === 'GET' || method === 'HEAD') logger.debug(fields, 'Request');
    else logger.info(fields, 'Request');
  });
}
