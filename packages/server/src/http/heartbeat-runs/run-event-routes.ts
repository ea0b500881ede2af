import {
  idParamsSchema,
  runEventListQuerySchema,
  runEventListSchema,
  runEventReportedSchema,
  runEventReportSchema,
} from '@runbeat/protocol';
import { isTerminalRunStatus, type RunEvent } from '../../supervisor/model/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { RoutePlugin } from '../services.js';

export const runEventRoutes: RoutePlugin = (app, services) => {
  const tags = ['heartbeat-runs'];
  app.route({
    method: 'GET',
    url: '/api/heartbeat-runs/:id/events',
    config: { access: access.read },
    schema: {
      tags,
      summary: "A run's timeline, oldest first",
      params: idParamsSchema,
      querystring: runEventListQuerySchema,
      response: { 200: runEventListSchema },
    },
    handler: async (request) => {
      const run = await visibleRows(services, callerOf(request)).run(request.params.id);
      const events = await services.runStore.listRunEvents(run.id, request.query);
      return { items: events.map(wireRunEvent), nextAfterSeq: events.at(-1)?.seq ?? request.query.afterSeq };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/heartbeat-runs/:id/events',
    config: { access: access.work },
    schema: {
      tags,
      summary: 'Add an event to the timeline of an active run',
      description:
        'It is stored as `reported.<type>`, so that it cannot be taken for one of the server. It is a sign of life, too.',
      params: idParamsSchema,
      body: runEventReportSchema,
      response: { 202: runEventReportedSchema },
    },
    handler: async (request, reply) => {
      const run = await visibleRows(services, callerOf(request)).run(request.params.id);
      if (isTerminalRunStatus(run.status)) {
        throw new HttpProblem('run_not_active', `Run ${run.id} has ended; its timeline is closed.`);
      }
      const { level, message, data } = request.body;
      const type = `reported.${request.body.type}`;
      const at = services.clock.now();
      await services.runStore.transaction(async (tx) => {
        await tx.appendRunEvents(run, [{ type, level, message, data: data ?? null, at }]);
        await tx.appendLiveEvents([
          { companyId: run.companyId, type: 'run-event-reported', data: { runId: run.id, type, level, message }, at },
        ]);
      });
      services.liveFeed.eventsCommitted(run.companyId);
      await services.supervisor.reportRunActivity(run.id);
      reply.code(202);
      return { runId: run.id, type, at: at.toISOString() };
    },
  });
};

function wireRunEvent(event: RunEvent) {
  return {
    runId: event.runId,
    seq: event.seq,
    at: event.at.toISOString(),
    type: event.type,
    level: event.level,
    message: event.message,
    data: event.data ?? null,
  };
}
