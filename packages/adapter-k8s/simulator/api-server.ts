import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type AccessRequest, forbidden, isAllowed, isResourceName, type SimulatedUser } from './access.js';
import { selfSubjectAccessReview } from './access-review.js';
import { RESOURCE_KINDS } from './api-objects.js';
import { ApiFailure, badRequest, failure, methodNotAllowed, noSuchResource, unauthorized } from './api-status.js';
import type { ServerCertificates } from './certificates.js';
import type { Cluster } from './cluster.js';
import { evict } from './eviction.js';
import { createExecHandler } from './exec-handler.js';
import type { Kubelet } from './kubelet.js';
import { handleLog, type LogFaults } from './log-handler.js';
import { type ApiRequest, encodeJson, sendJson } from './request.js';
import { handleCollection, handleObject } from './resource-handlers.js';
import { SelectorError } from './selectors.js';
import { handleWatch, type WatchRegistry } from './watch-handler.js';

/** An answer that a test wants in the place of the real one. */
export interface InjectedAnswer {
  readonly matches: (method: string, url: string) => boolean;
  times: number;
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** `answer-lost`: the request takes effect and its answer never comes; `dropped`: neither. `status` is not used then. */
  readonly fate?: 'answer-lost' | 'dropped';
  /** Called when it strikes. */
  readonly onHit?: () => void;
}

export interface ApiServer {
  readonly port: number;
  readonly users: Map<string, SimulatedUser>;
  readonly answers: InjectedAnswer[];
  /** Method and path of every request, for tests of what the adapter asks. */
  readonly requests: { method: string; url: string }[];
  close(): Promise<void>;
}

interface Route {
  readonly group: string;
  readonly namespace: string | null;
  readonly resource: string;
  readonly name: string | undefined;
  readonly subresource: string | undefined;
}

export async function createApiServer(
  cluster: Cluster,
  kubelet: Kubelet,
  settings: { certificates: ServerCertificates; watches: WatchRegistry; logFaults: LogFaults },
): Promise<ApiServer> {
  const users = new Map<string, SimulatedUser>();
  const answers: InjectedAnswer[] = [];
  const requests: { method: string; url: string }[] = [];
  const exec = createExecHandler(cluster, kubelet);
  const server: Server = createServer({
    cert: settings.certificates.cert,
    key: settings.certificates.key,
    keepAliveTimeout: 90_000,
  });

  server.on('request', (raw: IncomingMessage, response: ServerResponse) => {
    response.setHeader('Audit-Id', randomUUID());
    answer(raw, response).catch((error: unknown) => sendFailure(response, error));
  });
  server.on('upgrade', (raw: IncomingMessage, socket, head: Buffer) => {
    socket.on('error', () => {});
    try {
      const user = authenticate(raw);
      const route = parseRoute(new URL(raw.url ?? '/', 'https://localhost').pathname);
      if (!route?.namespace || route.subresource !== 'exec' || route.name === undefined) throw noSuchResource();
      authorize(user, route, 'get');
      exec.handle(raw, socket, head, { namespace: route.namespace, pod: route.name });
    } catch (error) {
      const known = toFailure(error);
      const body = encodeJson(known.body);
      socket.end(
        `HTTP/1.1 ${known.body.code} Refused\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body.toString()}`,
      );
    }
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function answer(raw: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = raw.method ?? 'GET';
    const url = raw.url ?? '/';
    requests.push({ method, url });
    const bodyText = await readBody(raw);
    const injected = answers.find((each) => each.times > 0 && each.matches(method, url));
    if (injected) {
      injected.times -= 1;
      if (injected.fate === 'dropped') {
        injected.onHit?.();
        raw.socket.destroy();
        return;
      }
      if (injected.fate === undefined) {
        injected.onHit?.();
        sendJson(response, injected.status, injected.body ?? {}, injected.headers);
        return;
      }
      // The request takes effect, and the caller never hears of it.
      response.end = ((): ServerResponse => {
        injected.onHit?.();
        raw.socket.destroy();
        return response;
      }) as ServerResponse['end'];
    }
    const user = authenticate(raw);
    await dispatch(raw, response, user, bodyText);
  }

  function authenticate(raw: IncomingMessage): SimulatedUser {
    const token = /^Bearer (.+)$/.exec(raw.headers.authorization ?? '')?.[1];
    const user = token === undefined ? undefined : users.get(token);
    if (!user) throw unauthorized();
    return user;
  }

  function authorize(user: SimulatedUser, route: Route, verb: string): void {
    const resource = route.subresource === undefined ? route.resource : `${route.resource}/${route.subresource}`;
    const access: AccessRequest = {
      verb,
      group: route.group,
      resource,
      namespace: route.namespace,
      ...(route.name === undefined ? {} : { name: route.name }),
    };
    if (!isAllowed(user, access)) throw forbidden(user, access);
  }

  async function dispatch(
    raw: IncomingMessage,
    response: ServerResponse,
    user: SimulatedUser,
    bodyText: string,
  ): Promise<unknown> {
    const { pathname, searchParams } = new URL(raw.url ?? '/', 'https://localhost');
    const method = raw.method ?? 'GET';
    if (/^\/(readyz|livez|healthz)$/.test(pathname)) return sendText(response, 200, 'ok');
    if (pathname === '/version') return sendJson(response, 200, { major: '1', minor: '34', gitVersion: 'v1.34.9' });
    if (pathname === '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews' && method === 'POST') {
      return sendJson(response, 201, selfSubjectAccessReview(user, bodyText));
    }
    const route = parseRoute(pathname);
    if (!route) return sendText(response, 404, '404 page not found\n');
    authorize(user, route, verbOf(method, route, searchParams));
    const { resource, namespace, name } = route;
    if (!isResourceName(resource) || RESOURCE_KINDS[resource].group !== route.group) throw noSuchResource();
    const request: ApiRequest = {
      cluster,
      kubelet,
      user,
      method,
      query: searchParams,
      raw,
      response,
      namespace,
      name,
      bodyText,
    };
    if (name === undefined) {
      if (method === 'GET' && isWatch(searchParams)) return handleWatch(request, resource, settings.watches);
      return handleCollection(request, resource);
    }
    if (namespace === null) throw noSuchResource();
    if (route.subresource === 'log') {
      if (method !== 'GET') throw methodNotAllowed();
      return handleLog(request, name, settings.logFaults);
    }
    if (route.subresource === 'eviction') return sendJson(response, 201, evict(cluster, namespace, name));
    if (route.subresource === 'exec') throw badRequest('Upgrade request required');
    if (route.subresource !== undefined) throw noSuchResource();
    return handleObject(request, resource, namespace, name);
  }

  return {
    port: (server.address() as AddressInfo).port,
    users,
    answers,
    requests,
    async close() {
      settings.watches.endAll();
      exec.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function parseRoute(path: string): Route | null {
  const match = /^\/(?:api\/v1|apis\/(batch)\/v1)(?:\/namespaces\/([^/]+))?\/([a-z]+)(?:\/([^/]+))?(?:\/([a-z]+))?$/.exec(path);
  if (!match) return null;
  const [, group = '', namespace, resource = '', name, subresource] = match;
  return {
    group,
    namespace: namespace === undefined ? null : decodeURIComponent(namespace),
    resource,
    name: name === undefined ? undefined : decodeURIComponent(name),
    subresource,
  };
}

function isWatch(query: URLSearchParams): boolean {
  return query.get('watch') === '1' || query.get('watch') === 'true';
}

function verbOf(method: string, route: Route, query: URLSearchParams): string {
  const hasName = route.name !== undefined;
  if (method === 'GET' || method === 'HEAD') return hasName ? 'get' : isWatch(query) ? 'watch' : 'list';
  if (method === 'DELETE') return hasName ? 'delete' : 'deletecollection';
  return { POST: 'create', PUT: 'update', PATCH: 'patch' }[method] ?? method.toLowerCase();
}

const MAX_BODY_BYTES = 3_145_728;

async function readBody(raw: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of raw as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) {
      throw failure({
        code: 413,
        reason: 'RequestEntityTooLarge',
        message: `Request entity too large: limit is ${MAX_BODY_BYTES}`,
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8', 'X-Content-Type-Options': 'nosniff' }).end(text);
}

function toFailure(error: unknown): ApiFailure {
  if (error instanceof ApiFailure) return error;
  if (error instanceof SelectorError) return badRequest(error.message);
  const message = error instanceof Error ? `${error.message}\n${error.stack}` : String(error);
  return failure({ code: 500, reason: 'InternalError', message: `Internal error occurred: ${message}` });
}

function sendFailure(response: ServerResponse, error: unknown): void {
  const known = toFailure(error);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  sendJson(response, known.body.code ?? 500, known.body, known.headers);
}
