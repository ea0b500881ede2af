import { companyParamsSchema, idParamsSchema, liveQuerySchema, logStreamQuerySchema } from '@runbeat/protocol';
import { z } from 'zod';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import type { RoutePlugin } from '../services.js';
import { lastEventId, openStream } from './open-stream.js';

export const eventStream = {
  200: {
    description: 'Server-sent events; `data` is a message as `components.schemas.ServerMessage` describes it.',
    content: { 'text/event-stream': { schema: z.string() } },
  },
};

/** Live delivery over server-sent events. The WebSocket route is an upgrade and lives in `live/websocket-upgrades.ts`. */
export const liveRoutes: RoutePlugin = (app, services) => {
  app.route({
    method: 'GET',
    url: '/api/companies/:companyId/events',
    config: { access: access.read },
    schema: {
      tags: ['live'],
      summary: "A company's events, live",
      description:
        'First `hello`, then what came after `after` (or `Last-Event-ID`), then live. `resync` when that is older than what is kept.',
      params: companyParamsSchema,
      querystring: liveQuerySchema,
      response: eventStream,
    },
    handler: async (request, reply) => {
      const company = await visibleRows(services, callerOf(request)).company(request.params.companyId);
      const after = lastEventId(request) ?? request.query.after ?? null;
      const connection = openStream(services, request, reply);
      try {
        await services.liveHub.followEvents(connection, company.id, after);
      } catch (error) {
        services.logger.warn({ err: error, companyId: company.id }, 'Live events could not be followed');
        connection.close(1011, 'events cannot be read now', 'server');
      }
      return reply;
    },
  });
  app.route({
    method: 'GET',
    url: '/api/heartbeat-runs/:id/log/stream',
    config: { access: access.read },
    schema: {
      tags: ['live'],
      summary: "A run's log, live",
      description: 'Records behind `after` (or `Last-Event-ID`, a `seq`), then live; ends after `log-completed`.',
      params: idParamsSchema,
      querystring: logStreamQuerySchema,
      response: eventStream,
    },
    handler: async (request, reply) => {
      const run = await visibleRows(services, callerOf(request)).run(request.params.id);
      const afterSeq = lastEventId(request) ?? request.query.after;
      const connection = openStream(services, request, reply);
      services.liveHub.followLog(connection, { companyId: run.companyId, runId: run.id }, afterSeq, () => {
        void connection.whenDrained().then(() => connection.close(1000, 'the log is complete', 'server'));
      });
      return reply;
    },
  });
};
