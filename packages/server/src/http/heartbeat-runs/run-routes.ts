import {
  companyParamsSchema,
  idParamsSchema,
  liveRunsSchema,
  runActivitySchema,
  runCancelSchema,
  runListQuerySchema,
  runPageSchema,
  runSchema,
  runWhySchema,
  wakeupAnswerSchema,
} from '@runbeat/protocol';
import { listLiveRuns, listRuns } from '../../db/index.js';
import { actorOf } from '../../security/caller.js';
import type { AgentId, IssueId } from '../../supervisor/model/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import type { RoutePlugin } from '../services.js';
import { wireWakeupAnswer } from '../wakeups/wire-wakeup.js';
import { isoTime, wireRun, wireRunSummary } from './wire-run.js';

/** More live runs than this are not shown at once. */
export const liveRunLimit = 200;

export const runRoutes: RoutePlugin = (app, services) => {
  const tags = ['heartbeat-runs'];
  const { supervisor, database } = services;
  app.route({
    method: 'GET',
    url: '/api/companies/:companyId/heartbeat-runs',
    config: { access: access.read },
    schema: {
      tags,
      summary: 'List runs, newest first',
      params: companyParamsSchema,
      querystring: runListQuerySchema,
      response: { 200: runPageSchema },
    },
    handler: async (request) => {
      const company = await visibleRows(services, callerOf(request)).company(request.params.companyId);
      const { agentId, issueId, status, limit, cursor } = request.query;
      const page = await listRuns(
        database.executor,
        {
          companyId: company.id,
          agentId: agentId as AgentId | undefined,
          issueId: issueId as IssueId | undefined,
          statuses: status === undefined ? undefined : [status],
        },
        { limit, cursor: cursor ?? null },
      );
      return { items: page.items.map(wireRunSummary), nextCursor: page.nextCursor };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/companies/:companyId/live-runs',
    config: { access: access.read },
    schema: { tags, summary: 'Running and queued runs', params: companyParamsSchema, response: { 200: liveRunsSchema } },
    handler: async (request) => {
      const company = await visibleRows(services, callerOf(request)).company(request.params.companyId);
      const runs = await listLiveRuns(database.executor, { companyId: company.id }, liveRunLimit);
      return { items: runs.items.map(wireRunSummary) };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/heartbeat-runs/:id',
    config: { access: access.work },
    schema: { tags, summary: 'Read a run', params: idParamsSchema, response: { 200: runSchema } },
    handler: async (request) => wireRun(await visibleRows(services, callerOf(request)).run(request.params.id)),
  });
  app.route({
    method: 'POST',
    url: '/api/heartbeat-runs/:id/cancel',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Ask a run to stop',
      description: 'Its status becomes `cancelled` only when nothing of it is left alive.',
      params: idParamsSchema,
      body: runCancelSchema,
      response: { 202: runSchema },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const run = await visibleRows(services, caller).run(request.params.id);
      reply.code(202);
      return wireRun(await supervisor.cancelRun(run.id, { reason: request.body.reason ?? null, actor: actorOf(caller) }));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/heartbeat-runs/:id/retry',
    config: { access: access.manage },
    schema: { tags, summary: 'Run the same again', params: idParamsSchema, response: { 202: wakeupAnswerSchema } },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const run = await visibleRows(services, caller).run(request.params.id);
      reply.code(202);
      return wireWakeupAnswer(await supervisor.retryRun(run.id, actorOf(caller)));
    },
  });
  app.route({
    method: 'GET',
    url: '/api/heartbeat-runs/:id/why',
    config: { access: access.read },
    schema: {
      tags,
      summary: 'Why the run is as it is',
      params: idParamsSchema,
      response: { 200: runWhySchema },
    },
    handler: async (request) => {
      const run = await visibleRows(services, callerOf(request)).run(request.params.id);
      const explanations = await supervisor.explainRun(run.id);
      return {
        runId: run.id,
        explanations: explanations.map(({ code, sentence, evidence, at }) => ({
          code,
          sentence,
          evidence: evidence ?? null,
          at: isoTime(at),
        })),
      };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/heartbeat-runs/:id/activity',
    config: { access: access.work },
    schema: {
      tags,
      summary: 'Tell that a run is being worked on',
      description: 'For work that is silent for long. It may come from the work itself, with its run token.',
      params: idParamsSchema,
      body: runActivitySchema,
      response: { 202: runSchema },
    },
    handler: async (request, reply) => {
      const rows = visibleRows(services, callerOf(request));
      const run = await rows.run(request.params.id);
      await supervisor.reportRunActivity(run.id);
      reply.code(202);
      return wireRun(await rows.run(run.id));
    },
  });
};
