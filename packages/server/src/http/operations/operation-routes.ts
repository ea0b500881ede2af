import { healthSchema, readinessSchema } from '@runbeat/protocol';
import { z } from 'zod';
import { ServerError } from '../../server-error.js';
import { errorMessageOf } from '../../supervisor/model/index.js';
import { access } from '../access/route-access.js';
import type { ReadinessCheck, RoutePlugin, ServerServices } from '../services.js';

const checkLimitMs = 5_000;

/** What whoever operates the server asks. */
export const operationRoutes: RoutePlugin = (app, services) => {
  const tags = ['operations'];
  app.route({
    method: 'GET',
    url: '/healthz',
    config: { access: 'open' },
    schema: { tags, summary: 'The process answers', response: { 200: healthSchema } },
    handler: async () => ({
      status: 'ok' as const,
      version: services.instance.version,
      instanceId: services.instance.id(),
      uptimeMs: Math.round(process.uptime() * 1_000),
    }),
  });
  app.route({
    method: 'GET',
    url: '/readyz',
    config: { access: 'open' },
    schema: {
      tags,
      summary: 'Database, migrations, adapters and lease are as they must be',
      response: { 200: readinessSchema, 503: readinessSchema },
    },
    handler: async (_request, reply) => {
      const checks = await Promise.all(services.readiness.map((check) => runCheck(check, services)));
      const isReady = checks.every(({ ok }) => ok);
      reply.code(isReady ? 200 : 503);
      return { status: isReady ? ('ready' as const) : ('not_ready' as const), checks };
    },
  });
  app.route({
    method: 'GET',
    url: '/metrics',
    config: { access: access.operate },
    schema: {
      tags,
      summary: 'Figures for Prometheus',
      response: { 200: { description: 'Text format of Prometheus.', content: { 'text/plain': { schema: z.string() } } } },
    },
    handler: async (_request, reply) => {
      const { contentType, text } = await services.metrics.render();
      return reply.header('content-type', contentType).serializer(String).send(text);
    },
  });
};

async function runCheck(check: ReadinessCheck, services: ServerServices) {
  let cancel = (): void => undefined;
  const overdue = new Promise<never>((_resolve, reject) => {
    cancel = services.clock.setTimer(checkLimitMs, () =>
      reject(new ServerError('request_timeout', `no answer within ${checkLimitMs} ms`)),
    );
  });
  try {
    return { name: check.name, ok: true, message: await Promise.race([check.run(), overdue]) };
  } catch (error) {
    return { name: check.name, ok: false, message: errorMessageOf(error) };
  } finally {
    cancel();
  }
}
