import {
  type Adapter,
  adapterAddSchema,
  adapterCheckResultSchema,
  adapterCheckSchema,
  adapterListSchema,
  adapterParamsSchema,
  adapterRemoveQuerySchema,
  adapterSchema,
  adapterUpdateSchema,
  environmentReportSchema,
  environmentTestSchema,
} from '@runbeat/protocol';
import { z } from 'zod';
import { access } from '../access/route-access.js';
import { checkAdapterConfig } from '../agents/check-adapter-config.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { RoutePlugin } from '../services.js';

/** `testEnvironment` of an adapter may hang. */
const testLimitMs = 30_000;

export const adapterRoutes: RoutePlugin = (app, services) => {
  const tags = ['adapters'];
  const { adapters } = services;
  const requireAdapter = async (type: string): Promise<Adapter> => {
    const adapter = await adapters.get(type);
    if (adapter === null) throw new HttpProblem('adapter_not_found', `No adapter of the type "${type}" is registered.`);
    return adapter;
  };

  app.route({
    method: 'GET',
    url: '/api/adapters',
    config: { access: access.read },
    schema: { tags, summary: 'List adapters and how they are', response: { 200: adapterListSchema } },
    handler: async () => ({ items: [...(await adapters.list())] }),
  });
  app.route({
    method: 'GET',
    url: '/api/adapters/:type',
    config: { access: access.read },
    schema: { tags, summary: 'Read an adapter', params: adapterParamsSchema, response: { 200: adapterSchema } },
    handler: (request) => requireAdapter(request.params.type),
  });
  app.route({
    method: 'POST',
    url: '/api/adapters',
    config: { access: access.operate },
    schema: {
      tags,
      summary: 'Install an adapter package and register it',
      description: 'Answers when it is ready. When a step fails, nothing has changed.',
      body: adapterAddSchema,
      response: { 201: adapterSchema },
    },
    handler: async (request, reply) => {
      const { source, allowScripts, override } = request.body;
      const adapter = await adapters.add({ spec: source, allowScripts, override });
      reply.code(201);
      return adapter;
    },
  });
  app.route({
    method: 'POST',
    url: '/api/adapters/check',
    config: { access: access.operate },
    schema: {
      tags,
      summary: 'Try an adapter package without registering it',
      body: adapterCheckSchema,
      response: { 200: adapterCheckResultSchema },
    },
    handler: (request) => adapters.check({ spec: request.body.source, allowScripts: request.body.allowScripts }),
  });
  app.route({
    method: 'PATCH',
    url: '/api/adapters/:type',
    config: { access: access.operate },
    schema: {
      tags,
      summary: 'Move an adapter to another version',
      description: 'New runs use the new version; runs at work end on the old one.',
      params: adapterParamsSchema,
      body: adapterUpdateSchema,
      response: { 200: adapterSchema },
    },
    handler: async (request) => {
      const { source, allowScripts } = request.body;
      await requireAdapter(request.params.type);
      return adapters.update(request.params.type, { allowScripts, ...(source === undefined ? {} : { spec: source }) });
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/adapters/:type',
    config: { access: access.operate },
    schema: {
      tags,
      summary: 'Remove an adapter',
      params: adapterParamsSchema,
      querystring: adapterRemoveQuerySchema,
      response: { 204: z.null().meta({ description: 'Removed.' }) },
    },
    handler: async (request, reply) => {
      await requireAdapter(request.params.type);
      await adapters.remove(request.params.type, { isForced: request.query.force });
      return reply.code(204).send(null);
    },
  });
  app.route({
    method: 'POST',
    url: '/api/adapters/:type/test',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Ask whether an agent with this config could run here',
      params: adapterParamsSchema,
      body: environmentTestSchema,
      response: { 200: environmentReportSchema },
    },
    handler: async (request) => {
      const { adapterConfig } = request.body;
      const { type } = request.params;
      await requireAdapter(type);
      await checkAdapterConfig(services, type, adapterConfig, 'body.adapterConfig');
      const report = await adapters.test(type, adapterConfig, AbortSignal.timeout(testLimitMs));
      return { checks: report.checks.map((check) => ({ ...check })) };
    },
  });
};
