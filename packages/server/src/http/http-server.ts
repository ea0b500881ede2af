import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import rateLimit from '@fastify/rate-limit';
import Fastify from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { createClientMessageHandler } from '../live/client-messages.js';
import { createWebSocketUpgrades } from '../live/websocket-upgrades.js';
import { callerName } from '../security/caller.js';
import { installRouteAccess } from './access/route-access.js';
import { adapterRoutes } from './adapters/adapter-routes.js';
import { agentRoutes } from './agents/agent-routes.js';
import { installApiDocuments } from './api-documents/install-api-documents.js';
import { apiKeyRoutes } from './api-keys/api-key-routes.js';
import { companyRoutes } from './companies/company-routes.js';
import { runEventRoutes } from './heartbeat-runs/run-event-routes.js';
import { runRoutes } from './heartbeat-runs/run-routes.js';
import { issueRoutes } from './issues/issue-routes.js';
import { issueWorkRoutes } from './issues/issue-work-routes.js';
import { installJsonBody } from './json-body.js';
import { judgeUpgrade } from './live-events/judge-upgrade.js';
import { liveRoutes } from './live-events/live-routes.js';
import { noJsonSchemaCompiler } from './no-json-schema-compiler.js';
import { operationRoutes } from './operations/operation-routes.js';
import { HttpProblem } from './problem/http-problem.js';
import { installProblemAnswers, sendProblem } from './problem/install-problem-answers.js';
import { installRequestLog } from './request-log.js';
import { runLogRoutes } from './run-logs/run-log-routes.js';
import type { HttpApp, HttpSettings, RoutePlugin, ServerServices } from './services.js';
import { sessionRoutes } from './sessions/session-routes.js';
import { wakeupRoutes } from './wakeups/wakeup-routes.js';

/** The server's door. */
export interface HttpServer {
  /** For tests (`app.inject`) and for whoever serves further paths; routes are complete. */
  readonly app: HttpApp;
  /** Resolves with the address once connections are taken. */
  listen(address: { readonly host: string; readonly port: number }): Promise<{ readonly port: number; readonly url: string }>;
  /** Takes no further connection, ends live ones (1001), lets requests finish. Idempotent. */
  close(): Promise<void>;
}

const builtInRoutes: readonly RoutePlugin[] = [
  companyRoutes,
  agentRoutes,
  wakeupRoutes,
  runRoutes,
  runEventRoutes,
  runLogRoutes,
  issueRoutes,
  issueWorkRoutes,
  adapterRoutes,
  sessionRoutes,
  apiKeyRoutes,
  liveRoutes,
  operationRoutes,
];

/** @param plugins routes of other parts: runners, sessions, the page. */
export async function createHttpServer(
  services: ServerServices,
  settings: HttpSettings,
  plugins: readonly RoutePlugin[] = [],
): Promise<HttpServer> {
  const headersTimeoutMs = settings.headersTimeoutMs ?? 15_000;
  const app: HttpApp = Fastify({
    logger: false,
    bodyLimit: settings.bodyLimitBytes,
    requestTimeout: settings.requestTimeoutMs ?? 60_000,
    http: { headersTimeout: headersTimeoutMs, connectionsCheckingInterval: Math.min(5_000, headersTimeoutMs) },
    keepAliveTimeout: 72_000,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 200 },
    schemaController: { compilersFactory: { buildValidator: noJsonSchemaCompiler, buildSerializer: noJsonSchemaCompiler } },
    // A path that cannot be decoded, or a part of it that is far too long: refused before any route is found.
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply, services.logger),
    clientErrorHandler: (error, socket) => answerBrokenRequest(error, socket as Socket),
    // Idle keep-alive connections would hold the close back until their time is over.
    forceCloseConnections: 'idle',
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  installProblemAnswers(app, services.logger);
  installRequestLog(app, services);
  installJsonBody(app);
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-content-type-options', 'nosniff');
    // What the API answers is true now; the page's own files have their own rule.
    if (request.url.startsWith('/api/')) reply.header('cache-control', 'no-store');
  });
  installRouteAccess(app, services, settings);
  await app.register(rateLimit, {
    hook: 'preParsing',
    timeWindow: 60_000,
    max: settings.rateLimitPerMinute,
    keyGenerator: (request) => (request.caller ? callerName(request.caller) : `address:${request.ip}`),
    // In mode `local` whoever may reach the server owns the machine; work with a run token is limited there, too.
    allowList: (request) => request.caller?.kind === 'local' || request.routeOptions.config.access === 'open',
    errorResponseBuilder: (_request, context) =>
      new HttpProblem('rate_limited', `More than ${context.max} requests in a minute with this token.`),
  });
  installApiDocuments(app, services);
  // In a scope of its own, so that the document sees every route.
  await app.register(async (scope) => {
    for (const plugin of [...builtInRoutes, ...plugins]) plugin(scope as HttpApp, services);
  });
  const upgrades = createWebSocketUpgrades({
    hub: services.liveHub,
    judge: (request) => judgeUpgrade(request, services, settings),
    messages: (connection, companyId) =>
      createClientMessageHandler({
        connection,
        companyId,
        hub: services.liveHub,
        findRun: (id) => services.runStore.getRun(id),
        sessions: services.sessions,
        subscriptionLimit: 100,
        logger: services.logger,
      }),
    clock: services.clock,
    logger: services.logger,
    metrics: services.metrics,
  });
  app.server.on('upgrade', upgrades.handle);
  await app.ready();

  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    upgrades.close();
    // Before the server: it waits for open responses, and live ones never end by themselves.
    const hubClosed = services.liveHub.close();
    await app.close();
    await hubClosed;
  };
  return {
    app,
    async listen({ host, port }) {
      await app.listen({ host, port });
      const address = app.server.address();
      const actualPort = typeof address === 'object' && address !== null ? address.port : port;
      return { port: actualPort, url: `http://${host.includes(':') ? `[${host}]` : host}:${actualPort}` };
    },
    close: () => (closing ??= close()),
  };
}

/** Bytes that are no HTTP request, or one that took too long: a last word, where somebody still listens. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (socket.destroyed || !socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const status =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? '408 Request Timeout'
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? '431 Request Header Fields Too Large'
        : '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`, () => socket.destroy());
}
