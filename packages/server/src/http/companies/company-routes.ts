import { companyCreateSchema, companyPageSchema, companySchema, idParamsSchema, pageQuerySchema } from '@runbeat/protocol';
import { type Company, createCompany, keepAnswer, listCompanies } from '../../db/index.js';
import { companyOf } from '../../security/caller.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { idempotentCreate } from '../idempotent-create.js';
import type { RoutePlugin } from '../services.js';

export const companyRoutes: RoutePlugin = (app, services) => {
  const tags = ['companies'];
  app.route({
    method: 'GET',
    url: '/api/companies',
    config: { access: access.read },
    schema: { tags, summary: 'List companies, oldest first', querystring: pageQuerySchema, response: { 200: companyPageSchema } },
    handler: async (request) => {
      const caller = callerOf(request);
      const own = companyOf(caller);
      if (own !== null) return { items: [wireCompany(await visibleRows(services, caller).company(own))], nextCursor: null };
      const page = await listCompanies(services.database.executor, {
        limit: request.query.limit,
        cursor: request.query.cursor ?? null,
      });
      return { items: page.items.map(wireCompany), nextCursor: page.nextCursor };
    },
  });
  app.route({
    method: 'POST',
    url: '/api/companies',
    config: { access: access.operate },
    schema: { tags, summary: 'Create a company', body: companyCreateSchema, response: { 201: companySchema } },
    handler: (request, reply) =>
      idempotentCreate(services, request, reply, {
        create: (answerOf) =>
          services.database.transaction(async (executor) => {
            const company = await createCompany(executor, request.body, services.clock.now());
            if (answerOf !== null) await keepAnswer(executor, answerOf(company), services.clock.now());
            return company;
          }),
        wire: wireCompany,
      }),
  });
  app.route({
    method: 'GET',
    url: '/api/companies/:id',
    config: { access: access.read },
    schema: { tags, summary: 'Read a company', params: idParamsSchema, response: { 200: companySchema } },
    handler: async (request) => wireCompany(await visibleRows(services, callerOf(request)).company(request.params.id)),
  });
};

function wireCompany(company: Company) {
  return { id: company.id, name: company.name, createdAt: company.createdAt.toISOString() };
}
