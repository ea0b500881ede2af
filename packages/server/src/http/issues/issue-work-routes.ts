import {
  idParamsSchema,
  issueCheckoutSchema,
  issueCommentCreateSchema,
  issueCommentPageSchema,
  issueCommentSchema,
  issueSchema,
  pageQuerySchema,
} from '@runbeat/protocol';
import type { FastifyRequest } from 'fastify';
import { listIssueComments } from '../../db/index.js';
import { actorOf } from '../../security/caller.js';
import type { Issue, Run } from '../../supervisor/model/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { idempotentCreate } from '../idempotent-create.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { RoutePlugin } from '../services.js';
import { wireIssue, wireIssueComment } from './wire-issue.js';

/** What is done with an issue by people and by the runs that work on it. */
export const issueWorkRoutes: RoutePlugin = (app, services) => {
  const tags = ['issues'];
  const { supervisor } = services;
  app.route({
    method: 'GET',
    url: '/api/issues/:id/comments',
    config: { access: access.work },
    schema: {
      tags,
      summary: 'Comments, oldest first',
      params: idParamsSchema,
      querystring: pageQuerySchema,
      response: { 200: issueCommentPageSchema },
    },
    handler: async (request) => {
      const issue = await visibleRows(services, callerOf(request)).issue(request.params.id);
      const { limit, cursor } = request.query;
      const page = await listIssueComments(services.database.executor, issue.id, { limit, cursor: cursor ?? null });
      return { items: page.items.map(wireIssueComment), nextCursor: page.nextCursor };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/issues/:id/comments',
    config: { access: access.work },
    schema: {
      tags,
      summary: 'Comment on an issue',
      description: 'A comment that mentions an agent (`@name`) wakes it; never by its own comment.',
      params: idParamsSchema,
      body: issueCommentCreateSchema,
      response: { 201: issueCommentSchema },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const issue = await visibleRows(services, caller).issue(request.params.id);
      return idempotentCreate(services, request, reply, {
        create: (answerOf) => supervisor.issues.comment(issue.id, request.body.body, actorOf(caller), answerOf),
        wire: wireIssueComment,
      });
    },
  });
  app.route({
    method: 'POST',
    url: '/api/issues/:id/checkout',
    config: { access: access.work },
    schema: {
      tags,
      summary: 'A run takes an issue',
      params: idParamsSchema,
      body: issueCheckoutSchema,
      response: { 200: issueSchema },
    },
    handler: async (request) => {
      const { issue, run } = await workOf(request, request.params.id, request.body.runId);
      return wireIssue(await supervisor.issues.checkout(issue.id, run.id));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/issues/:id/release',
    config: { access: access.work },
    schema: {
      tags,
      summary: 'A run gives an issue back',
      params: idParamsSchema,
      body: issueCheckoutSchema,
      response: { 200: issueSchema },
    },
    handler: async (request) => {
      const { issue, run } = await workOf(request, request.params.id, request.body.runId);
      return wireIssue(await supervisor.issues.release(issue.id, run.id));
    },
  });

  const workOf = async (
    request: FastifyRequest,
    issueId: string,
    givenRunId: string | undefined,
  ): Promise<{ issue: Issue; run: Run }> => {
    const caller = callerOf(request);
    const rows = visibleRows(services, caller);
    const runId = givenRunId ?? (caller.kind === 'run-token' ? caller.runId : undefined);
    if (runId === undefined) {
      throw new HttpProblem('request_invalid', 'Which run takes or gives back the issue?', {
        fields: [{ field: 'body.runId', message: 'needed unless the request carries a run token' }],
      });
    }
    const issue = await rows.issue(issueId);
    const run = await rows.run(runId);
    if (run.companyId !== issue.companyId) {
      throw new HttpProblem('run_not_found', `There is no run with the id ${runId} in the company of the issue.`);
    }
    return { issue, run };
  };
};
