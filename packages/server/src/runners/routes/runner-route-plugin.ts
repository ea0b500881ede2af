import { callerOf } from '../../http/access/route-access.js';
import type { RoutePlugin } from '../../http/services.js';
import { companyOf } from '../../security/caller.js';
import type { RunnerService } from '../runner-service.js';
import { runnerProtocolRoutes } from './runner-protocol-routes.js';
import { runnerRoutes } from './runner-routes.js';

/** Everything under `/api/runners`, as `createHttpServer` takes it. */
export function runnerRoutePlugin(service: RunnerService): RoutePlugin {
  return (app) => {
    // In scopes of their own: they have their own error handler and content type. Fastify waits for them by itself.
    void app.register(runnerProtocolRoutes(service));
    void app.register(runnerRoutes({ service, companyOf: (request) => companyOf(callerOf(request)) }));
  };
}
