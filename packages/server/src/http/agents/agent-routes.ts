import {
  agentCreateSchema,
  agentPageSchema,
  agentPauseSchema,
  agentRuntimeStateSchema,
  agentSchema,
  agentUpdateSchema,
  companyParamsSchema,
  idParamsSchema,
  pageQuerySchema,
} from '@runbeat/protocol';
import { z } from 'zod';
import { countActiveRuns, getAgentRuntimeState, listAgents } from '../../db/index.js';
import type { Agent } from '../../supervisor/model/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { idempotentCreate } from '../idempotent-create.js';
import type { RoutePlugin } from '../services.js';
import { agentChanges } from './agent-changes.js';
import { checkAdapterConfig } from './check-adapter-config.js';
import { defaultRuntimeConfig, mergeRuntimeConfig } from './runtime-config.js';
import { wireAgent, wireRuntimeState } from './wire-agent.js';

export const agentRoutes: RoutePlugin = (app, services) => {
  const tags = ['agents'];
  const { database, adapterCatalog } = services;
  const changes = agentChanges(services);
  const wire = async (agents: readonly Agent[]) => {
    const active = await countActiveRuns(
      database.executor,
      agents.map(({ id }) => id),
    );
    return agents.map((agent) => wireAgent(agent, { runningRuns: active.get(agent.id)?.running ?? 0, catalog: adapterCatalog }));
  };
  const wireOne = async (agent: Agent) => {
    const active = await countActiveRuns(database.executor, [agent.id]);
    return wireAgent(agent, { runningRuns: active.get(agent.id)?.running ?? 0, catalog: adapterCatalog });
  };

  app.route({
    method: 'GET',
    url: '/api/companies/:companyId/agents',
    config: { access: access.read },
    schema: {
      tags,
      summary: 'List agents, oldest first',
      params: companyParamsSchema,
      querystring: pageQuerySchema,
      response: { 200: agentPageSchema },
    },
    handler: async (request) => {
      const company = await visibleRows(services, callerOf(request)).company(request.params.companyId);
      const { limit, cursor } = request.query;
      const page = await listAgents(database.executor, company.id, { limit, cursor: cursor ?? null });
      return { items: await wire(page.items), nextCursor: page.nextCursor };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/companies/:companyId/agents',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Create an agent',
      params: companyParamsSchema,
      body: agentCreateSchema,
      response: { 201: agentSchema },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      const company = await visibleRows(services, caller).company(request.params.companyId);
      const { name, role, adapterType, adapterConfig, runtimeConfig } = request.body;
      return idempotentCreate(services, request, reply, {
        async create(answerOf) {
          const ownRuntimeConfig = mergeRuntimeConfig(defaultRuntimeConfig(services.agentMaxConcurrentRuns), runtimeConfig);
          await checkAdapterConfig(services, adapterType, adapterConfig, 'body.adapterConfig', ownRuntimeConfig.placement);
          const input = { companyId: company.id, name, role, adapterType, adapterConfig, runtimeConfig: ownRuntimeConfig };
          return changes.create(caller, input, answerOf);
        },
        wire: (agent: Agent) => wireAgent(agent, { runningRuns: 0, catalog: adapterCatalog }),
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/api/agents/:id',
    config: { access: access.read },
    schema: { tags, summary: 'Read an agent', params: idParamsSchema, response: { 200: agentSchema } },
    handler: async (request) => wireOne(await visibleRows(services, callerOf(request)).agent(request.params.id)),
  });
  app.route({
    method: 'PATCH',
    url: '/api/agents/:id',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Change an agent',
      description: 'Absent members keep their value. Runs that are queued or running keep the config they were started with.',
      params: idParamsSchema,
      body: agentUpdateSchema,
      response: { 200: agentSchema },
    },
    handler: async (request) => {
      const caller = callerOf(request);
      const agent = await visibleRows(services, caller).agent(request.params.id);
      const { runtimeConfig, ...patch } = request.body;
      const ownRuntimeConfig = mergeRuntimeConfig(agent.runtimeConfig, runtimeConfig ?? {});
      if (patch.adapterType !== undefined || patch.adapterConfig !== undefined) {
        await checkAdapterConfig(
          services,
          patch.adapterType ?? agent.adapterType,
          patch.adapterConfig ?? agent.adapterConfig,
          'body.adapterConfig',
          ownRuntimeConfig.placement,
        );
      }
      const changed = await changes.update(caller, agent, {
        ...(patch.name === undefined ? {} : { name: patch.name }),
        ...(patch.role === undefined ? {} : { role: patch.role }),
        ...(patch.adapterType === undefined ? {} : { adapterType: patch.adapterType }),
        ...(patch.adapterConfig === undefined ? {} : { adapterConfig: patch.adapterConfig }),
        ...(runtimeConfig === undefined ? {} : { runtimeConfig: ownRuntimeConfig }),
      });
      return wireOne(changed);
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/agents/:id',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Delete an agent',
      description: 'Refused while one of its runs is queued or running. Finished runs stay to be read.',
      params: idParamsSchema,
      response: { 204: z.null().meta({ description: 'Deleted.' }) },
    },
    handler: async (request, reply) => {
      const caller = callerOf(request);
      await changes.remove(caller, await visibleRows(services, caller).agent(request.params.id));
      return reply.code(204).send(null);
    },
  });
  app.route({
    method: 'POST',
    url: '/api/agents/:id/pause',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Start no further runs of an agent',
      description: 'Runs at work go on; cancel them where that is not wanted.',
      params: idParamsSchema,
      body: agentPauseSchema,
      response: { 200: agentSchema },
    },
    handler: async (request) => {
      const caller = callerOf(request);
      const agent = await visibleRows(services, caller).agent(request.params.id);
      return wireOne(await changes.setStatus(caller, agent, 'paused', request.body.reason ?? null));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/agents/:id/resume',
    config: { access: access.manage },
    schema: { tags, summary: 'Let an agent run again', params: idParamsSchema, response: { 200: agentSchema } },
    handler: async (request) => {
      const caller = callerOf(request);
      const agent = await visibleRows(services, caller).agent(request.params.id);
      return wireOne(await changes.setStatus(caller, agent, 'active', null));
    },
  });
  app.route({
    method: 'GET',
    url: '/api/agents/:id/runtime-state',
    config: { access: access.read },
    schema: { tags, summary: 'Counters of an agent', params: idParamsSchema, response: { 200: agentRuntimeStateSchema } },
    handler: async (request) => {
      const agent = await visibleRows(services, callerOf(request)).agent(request.params.id);
      return wireRuntimeState(agent.id, await getAgentRuntimeState(database.executor, agent.id));
    },
  });
};
