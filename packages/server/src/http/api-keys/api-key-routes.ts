import {
  apiKeyCreatedSchema,
  apiKeyCreateSchema,
  apiKeyPageSchema,
  apiKeySchema,
  idParamsSchema,
  pageQuerySchema,
  whoAmISchema,
} from '@runbeat/protocol';
import { type ApiKey, insertApiKey, listApiKeys, revokeApiKey } from '../../db/index.js';
import { createApiKeySecret } from '../../security/api-key-secret.js';
import { type Caller, companyOf, scopeOf } from '../../security/caller.js';
import type { AgentId, CompanyId } from '../../supervisor/model/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { isoTime } from '../heartbeat-runs/wire-run.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { RoutePlugin, ServerServices } from '../services.js';

export const apiKeyRoutes: RoutePlugin = (app, services) => {
  const tags = ['api-keys'];
  const { database, clock } = services;
  app.route({
    method: 'GET',
    url: '/api/api-keys',
    config: { access: access.manage },
    schema: { tags, summary: 'List keys, newest first', querystring: pageQuerySchema, response: { 200: apiKeyPageSchema } },
    handler: async (request) => {
      const { limit, cursor } = request.query;
      const page = await listApiKeys(database.executor, companyOf(callerOf(request)), { limit, cursor: cursor ?? null });
      return { items: page.items.map(wireApiKey), nextCursor: page.nextCursor };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/api-keys',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Make a key',
      description:
        'The key is in this answer and nowhere else, which is why `Idempotency-Key` has no effect here: an answer that is kept would be a key that is kept.',
      body: apiKeyCreateSchema,
      response: { 201: apiKeyCreatedSchema },
    },
    handler: async (request, reply) => {
      const { name, scope, companyId, agentId, expiresAt } = request.body;
      const owner = await ownerOf(services, callerOf(request), { scope, companyId, agentId });
      const secret = createApiKeySecret();
      const key = await insertApiKey(
        database.executor,
        {
          name,
          scope,
          ...owner,
          runnerId: null,
          keyHash: secret.hash,
          keyPrefix: secret.prefix,
          expiresAt: expiresAt === undefined ? null : new Date(expiresAt),
        },
        clock.now(),
      );
      reply.code(201).header('cache-control', 'no-store');
      return { ...wireApiKey(key), key: secret.key };
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/api-keys/:id',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Revoke a key',
      description: 'From now on; live connections that were opened with it are closed within a ping interval.',
      params: idParamsSchema,
      response: { 200: apiKeySchema },
    },
    handler: async (request) => {
      const key = await revokeApiKey(database.executor, request.params.id, companyOf(callerOf(request)), clock.now());
      if (key === null) throw new HttpProblem('api_key_not_found', `There is no API key with the id ${request.params.id}.`);
      return wireApiKey(key);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/whoami',
    config: { access: ['operator', 'company', 'agent', 'run', 'runner'] },
    schema: { tags, summary: 'Who this request is', response: { 200: whoAmISchema } },
    handler: (request) => Promise.resolve(whoAmI(callerOf(request))),
  });
};

/** Whose key it becomes. A caller that is bound to a company makes keys of that company only, and none of an operator. */
async function ownerOf(
  services: ServerServices,
  caller: Caller,
  wanted: { readonly scope: ApiKey['scope']; readonly companyId: string | undefined; readonly agentId: string | undefined },
): Promise<{ readonly companyId: CompanyId | null; readonly agentId: AgentId | null }> {
  const own = companyOf(caller);
  if (own !== null && (wanted.scope === 'operator' || (wanted.scope === 'runner' && wanted.companyId === undefined))) {
    throw new HttpProblem('scope_too_small', 'Only an operator may make a key that reaches beyond one company.');
  }
  const rows = visibleRows(services, caller);
  if (wanted.agentId !== undefined) {
    const agent = await rows.agent(wanted.agentId);
    if (wanted.companyId !== undefined && wanted.companyId !== agent.companyId) {
      throw new HttpProblem('agent_not_found', `There is no agent with the id ${wanted.agentId} in that company.`);
    }
    return { companyId: agent.companyId, agentId: agent.id };
  }
  if (wanted.companyId === undefined) return { companyId: null, agentId: null };
  return { companyId: (await rows.company(wanted.companyId)).id, agentId: null };
}

function wireApiKey(key: ApiKey) {
  return {
    id: key.id,
    name: key.name,
    scope: key.scope,
    companyId: key.companyId,
    agentId: key.agentId,
    prefix: key.keyPrefix,
    createdAt: key.createdAt.toISOString(),
    expiresAt: isoTime(key.expiresAt),
    revokedAt: isoTime(key.revokedAt),
    lastUsedAt: isoTime(key.lastUsedAt),
  };
}

function whoAmI(caller: Caller) {
  return {
    kind: caller.kind,
    scope: scopeOf(caller),
    companyId: companyOf(caller),
    agentId: caller.kind === 'api-key' || caller.kind === 'run-token' ? caller.agentId : null,
    runId: caller.kind === 'run-token' ? caller.runId : null,
  };
}
