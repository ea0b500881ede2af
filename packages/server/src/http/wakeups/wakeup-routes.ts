import { idParamsSchema, type JsonValue, wakeupAnswerSchema, wakeupSchema } from '@runbeat/protocol';
import { type Caller, requesterOf, scopeOf } from '../../security/caller.js';
import type { Agent, IssueId, RunPlacement } from '../../supervisor/model/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { checkAdapterConfig } from '../agents/check-adapter-config.js';
import { idempotencyKeyOf } from '../idempotent-create.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { RoutePlugin, ServerServices } from '../services.js';
import { wireWakeupAnswer } from './wire-wakeup.js';

/** A prompt of 1 Mi characters must fit, with room for the rest. */
const wakeupBodyLimitBytes = 2 * 1_048_576;

export const wakeupRoutes: RoutePlugin = (app, services) => {
  app.route({
    method: 'POST',
    url: '/api/agents/:id/wakeup',
    bodyLimit: wakeupBodyLimitBytes,
    config: { access: access.work },
    schema: {
      tags: ['agents'],
      summary: 'Ask an agent to run',
      description: 'The same `idempotencyKey` (or `Idempotency-Key` header) gives the same answer and starts nothing twice.',
      params: idParamsSchema,
      body: wakeupSchema,
      response: { 202: wakeupAnswerSchema },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const rows = visibleRows(services, caller);
      const agent = await rows.agent(request.params.id);
      const { issueId, placement, adapterConfigOverride, idempotencyKey, payload, ...wake } = request.body;
      // The wake may name any issue of the company; whoever may wake may know that it exists.
      if (issueId != null) await requireIssueOfCompany(services, agent, issueId);
      if (adapterConfigOverride !== undefined) await checkOverride(services, caller, agent, adapterConfigOverride);
      const answer = await services.supervisor.enqueueWakeup({
        companyId: agent.companyId,
        agentId: agent.id,
        source: wake.source,
        reason: wake.reason ?? null,
        prompt: wake.prompt ?? null,
        taskKey: wake.taskKey ?? null,
        ...(wake.priority === undefined ? {} : { priority: wake.priority }),
        ...(wake.timeoutMs === undefined ? {} : { timeoutMs: wake.timeoutMs }),
        ...(placement === undefined ? {} : { placement: placement as RunPlacement | null }),
        ...(adapterConfigOverride === undefined ? {} : { adapterConfigOverride }),
        payload: payload ?? null,
        issueId: (issueId ?? null) as IssueId | null,
        idempotencyKey: idempotencyKey ?? idempotencyKeyOf(request),
        requestedBy: requesterOf(caller),
      });
      reply.code(202);
      return wireWakeupAnswer(answer);
    },
  });
};

async function requireIssueOfCompany(services: ServerServices, agent: Agent, issueId: string): Promise<void> {
  const issue = await services.runStore.getIssue(issueId as IssueId);
  if (issue?.companyId === agent.companyId) return;
  throw new HttpProblem('issue_not_found', `There is no issue with the id ${issueId}.`, {
    fields: [{ field: 'body.issueId', message: 'no such issue' }],
  });
}

/** A changed config is a changed command: only those who may change the agent may give one. */
async function checkOverride(
  services: ServerServices,
  caller: Caller,
  agent: Agent,
  override: Readonly<Record<string, JsonValue>>,
): Promise<void> {
  if (!(access.manage as readonly string[]).includes(scopeOf(caller))) {
    throw new HttpProblem('scope_too_small', 'Only a token of scope `operator` or `company` may give `adapterConfigOverride`.');
  }
  const config = { ...(agent.adapterConfig as Record<string, JsonValue> | null), ...override };
  const { placement } = agent.runtimeConfig;
  await checkAdapterConfig(services, agent.adapterType, config, 'body.adapterConfigOverride', placement);
}
