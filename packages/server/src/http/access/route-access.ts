import type { FastifyRequest } from 'fastify';
import { bearerToken } from '../../security/authenticator.js';
import { type Caller, type Scope, scopeOf } from '../../security/caller.js';
import { planOriginCheck } from '../../security/request-origin.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { HttpApp, HttpSettings, ServerServices } from '../services.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Scopes that the route serves; `open` = everybody, without a token. Every route has one. */
    access?: readonly Scope[] | 'open';
  }
  interface FastifyRequest {
    /** Who asks; null only on routes that are open. */
    caller: Caller | null;
  }
}

/**
 * Finds out for each request where it comes from and who it is, before the body is read. A route without
 * `config.access` cannot be registered, so that none is left open by forgetting.
 */
export function installRouteAccess(app: HttpApp, services: ServerServices, settings: HttpSettings): void {
  app.decorateRequest('caller', null);
  app.addHook('onRoute', (route) => {
    if (route.config?.access === undefined) {
      throw new HttpProblem('internal_error', `Route ${String(route.method)} ${route.url} does not say who may call it.`);
    }
  });
  app.addHook('onRequest', async (request) => {
    checkOrigin(request, settings);
    const access = request.routeOptions.config.access;
    // No route: the answer is 404 for everybody.
    if (access === undefined || access === 'open') return;
    request.caller = await authenticate(request, services, settings.mode);
    const scope = scopeOf(request.caller);
    if (!access.includes(scope)) {
      throw new HttpProblem(
        'scope_too_small',
        `A token of scope \`${scope}\` may not do this; it takes ${access.map((name) => `\`${name}\``).join(' or ')}.`,
      );
    }
  });
}

function checkOrigin(request: FastifyRequest, settings: HttpSettings): void {
  const { headers } = request;
  const verdict = planOriginCheck(
    {
      host: headers.host,
      origin: headers.origin,
      fetchSite: single(headers['sec-fetch-site']),
      fetchMode: single(headers['sec-fetch-mode']),
    },
    settings,
  );
  if (!verdict.ok) throw new HttpProblem(verdict.code, verdict.detail);
}

async function authenticate(request: FastifyRequest, services: ServerServices, mode: string): Promise<Caller> {
  const result = await services.authenticator.authenticate(bearerToken(request.headers.authorization));
  if (result.ok) return result.caller;
  const headers = { 'www-authenticate': 'Bearer realm="runbeat"' };
  if (result.reason === 'missing') {
    throw new HttpProblem('token_missing', 'This server takes requests with a token only.', { headers });
  }
  const hint = mode === 'local' ? ' This server needs none: leave the header out.' : '';
  throw new HttpProblem('token_refused', `The token of the request is not valid here.${hint}`, { headers });
}

/** The caller of a route that is not open. */
export function callerOf(request: FastifyRequest): Caller {
  if (request.caller === null) throw new HttpProblem('internal_error', 'A route asks for the caller of an open request.');
  return request.caller;
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Scopes by what a route does; used by the routes, so that they read alike. */
export const access = {
  /** Reading what belongs to a company. */
  read: ['operator', 'company', 'agent'],
  /** Changing what belongs to a company. */
  manage: ['operator', 'company'],
  /** The whole server. */
  operate: ['operator'],
  /** What work may do for itself, too. */
  work: ['operator', 'company', 'agent', 'run'],
} as const satisfies Record<string, readonly Scope[]>;
