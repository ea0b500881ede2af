import {
  idParamsSchema,
  runnerHealthSchema,
  runnerListSchema,
  runnerRegisteredSchema,
  runnerRegistrationSchema,
  runnerUpdateSchema,
} from '@runbeat/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { RunnerService } from '../runner-service.js';
import { sendRunnerRefusal } from './runner-problem.js';

export interface RunnerRoutesOptions {
  readonly service: RunnerService;
  /** The company to which the caller of a registration is bound; null = none. */
  companyOf(request: FastifyRequest): string | null;
}

const tags = ['runners'];
const read = { access: ['operator'] } as const;
const operate = { access: ['operator'] } as const;
const register = { access: ['operator', 'runner'] } as const;

/** `/api/runners`: registration, list, health and administration. Who may call them is the HTTP layer's matter. */
export function runnerRoutes(options: RunnerRoutesOptions): (app: FastifyInstance) => Promise<void> {
  const { service } = options;
  return async (rawApp) => {
    const app = rawApp.withTypeProvider<ZodTypeProvider>();
    app.setErrorHandler(sendRunnerRefusal);
    app.post(
      '/api/runners',
      {
        config: register,
        schema: { tags, summary: 'Register a runner', body: runnerRegistrationSchema, response: { 201: runnerRegisteredSchema } },
      },
      async (request, reply) => {
        const runner = await service.register(request.body, options.companyOf(request));
        return reply.code(201).send({ id: runner.id });
      },
    );
    app.get(
      '/api/runners',
      { config: read, schema: { tags, summary: 'List runners with their health', response: { 200: runnerListSchema } } },
      () => ({
        items: [...service.list()],
      }),
    );
    app.get(
      '/api/runners/:id',
      { config: read, schema: { tags, summary: 'One runner', params: idParamsSchema, response: { 200: runnerHealthSchema } } },
      (request) => service.health(request.params.id),
    );
    app.get(
      '/api/runners/:id/health',
      {
        config: read,
        schema: { tags, summary: 'Health of a runner', params: idParamsSchema, response: { 200: runnerHealthSchema } },
      },
      (request) => service.health(request.params.id),
    );
    app.patch(
      '/api/runners/:id',
      {
        config: operate,
        schema: {
          tags,
          summary: 'Enable or disable a runner',
          params: idParamsSchema,
          body: runnerUpdateSchema,
          response: { 200: runnerHealthSchema },
        },
      },
      (request) => service.setAdminStatus(request.params.id, request.body.adminStatus),
    );
    app.delete(
      '/api/runners/:id',
      { config: operate, schema: { tags, summary: 'Remove a runner', params: idParamsSchema, response: { 204: z.null() } } },
      async (request, reply) => {
        await service.remove(request.params.id);
        return reply.code(204).send(null);
      },
    );
  };
}
