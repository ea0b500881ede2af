import {
  companyParamsSchema,
  idParamsSchema,
  issueCreateSchema,
  issueListQuerySchema,
  issuePageSchema,
  issueSchema,
  issueUpdateSchema,
  liveRunsSchema,
} from '@runbeat/protocol';
import { z } from 'zod';
import { deleteIssue, listIssues, listLiveRuns } from '../../db/index.js';
import { actorOf } from '../../security/caller.js';
import type { AgentId, CompanyId } from '../../supervisor/model/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { liveRunLimit } from '../heartbeat-runs/run-routes.js';
import { wireRunSummary } from '../heartbeat-runs/wire-run.js';
import { idempotentCreate } from '../idempotent-create.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { RoutePlugin } from '../services.js';
import { wireIssue } from './wire-issue.js';

export const issueRoutes: RoutePlugin = (app, services) => {
  const tags = ['issues'];
  const { database, supervisor } = services;
  /** An assignee of another company is one that does not exist. */
  const requireAssignee = async (companyId: CompanyId, agentId: string | null | undefined): Promise<void> => {
    if (agentId == null) return;
    const agent = await services.runStore.getAgent(agentId as AgentId);
    if (agent?.companyId === companyId) return;
    throw new HttpProblem('issue_assignee_invalid', `There is no agent with the id ${agentId} in this company.`, {
      fields: [{ field: 'body.assigneeAgentId', message: 'no such agent in this company' }],
    });
  };

  app.route({
    method: 'GET',
    url: '/api/companies/:companyId/issues',
    config: { access: access.read },
    schema: {
      tags,
      summary: 'List issues, newest first',
      params: companyParamsSchema,
      querystring: issueListQuerySchema,
      response: { 200: issuePageSchema },
    },
    handler: async (request) => {
      const company = await visibleRows(services, callerOf(request)).company(request.params.companyId);
      const { status, assigneeAgentId, limit, cursor } = request.query;
      const page = await listIssues(
        database.executor,
        {
          companyId: company.id,
          assigneeAgentId: assigneeAgentId as AgentId | undefined,
          statuses: status === undefined ? undefined : [status],
        },
        { limit, cursor: cursor ?? null },
      );
      return { items: page.items.map(wireIssue), nextCursor: page.nextCursor };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/companies/:companyId/issues',
    config: { access: ['operator', 'company', 'agent'] },
    schema: {
      tags,
      summary: 'Create an issue',
      description: 'An issue that is assigned to an agent wakes it.',
      params: companyParamsSchema,
      body: issueCreateSchema,
      response: { 201: issueSchema },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const company = await visibleRows(services, caller).company(request.params.companyId);
      const { title, description, status, priority, assigneeAgentId, assigneeUserId } = request.body;
      return idempotentCreate(services, request, reply, {
        async create(answerOf) {
          await requireAssignee(company.id, assigneeAgentId);
          const input = {
            companyId: company.id,
            title,
            description: description ?? null,
            ...(status === undefined ? {} : { status }),
            ...(priority === undefined ? {} : { priority }),
            assigneeAgentId: (assigneeAgentId ?? null) as AgentId | null,
            assigneeUserId: assigneeUserId ?? null,
          };
          return supervisor.issues.create(input, actorOf(caller), answerOf);
        },
        wire: wireIssue,
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/api/issues/:id',
    config: { access: access.work },
    schema: { tags, summary: 'Read an issue', params: idParamsSchema, response: { 200: issueSchema } },
    handler: async (request) => wireIssue(await visibleRows(services, callerOf(request)).issue(request.params.id)),
  });
  app.route({
    method: 'PATCH',
    url: '/api/issues/:id',
    config: { access: ['operator', 'company', 'agent'] },
    schema: {
      tags,
      summary: 'Change an issue',
      description: 'A new assignee, and an issue that goes from `blocked` to `todo`, wake the agent.',
      params: idParamsSchema,
      body: issueUpdateSchema,
      response: { 200: issueSchema },
    },
    handler: async (request) => {
      const caller = callerOf(request);
      const issue = await visibleRows(services, caller).issue(request.params.id);
      const { title, description, status, priority, assigneeAgentId, assigneeUserId } = request.body;
      await requireAssignee(issue.companyId, assigneeAgentId);
      return wireIssue(
        await supervisor.issues.update(
          issue.id,
          {
            ...(title === undefined ? {} : { title }),
            ...(description === undefined ? {} : { description }),
            ...(status === undefined ? {} : { status }),
            ...(priority === undefined ? {} : { priority }),
            ...(assigneeAgentId === undefined ? {} : { assigneeAgentId: assigneeAgentId as AgentId | null }),
            ...(assigneeUserId === undefined ? {} : { assigneeUserId }),
          },
          actorOf(caller),
        ),
      );
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/issues/:id',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Delete an issue with its comments',
      params: idParamsSchema,
      response: { 204: z.null().meta({ description: 'Deleted.' }) },
    },
    handler: async (request, reply) => {
      const issue = await visibleRows(services, callerOf(request)).issue(request.params.id);
      const outcome = await deleteIssue(database.executor, issue.id);
      if (outcome === 'held') {
        throw new HttpProblem('issue_held', `Run ${issue.executionRunId ?? ''} works on the issue.`, {
          evidence: { runId: issue.executionRunId },
        });
      }
      return reply.code(204).send(null);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/issues/:id/live-runs',
    config: { access: access.read },
    schema: { tags, summary: "An issue's running and queued runs", params: idParamsSchema, response: { 200: liveRunsSchema } },
    handler: async (request) => {
      const issue = await visibleRows(services, callerOf(request)).issue(request.params.id);
      const runs = await listLiveRuns(database.executor, { companyId: issue.companyId, issueId: issue.id }, liveRunLimit);
      return { items: runs.items.map(wireRunSummary) };
    },
  });
};
