import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { idSchema, liveSocketQuerySchema, liveTokenSubprotocolPrefix } from '@runbeat/protocol';
import type { UpgradeVerdict } from '../../live/websocket-upgrades.js';
import { bearerToken } from '../../security/authenticator.js';
import { scopeOf } from '../../security/caller.js';
import { planOriginCheck } from '../../security/request-origin.js';
import { access } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { HttpProblem } from '../problem/http-problem.js';
import { problemFromError } from '../problem/problem-from-error.js';
import type { HttpSettings, ServerServices } from '../services.js';
import { accessTicket } from './access-ticket.js';

/** The path of the WebSocket, `…` being a company's id. */
const upgradePath = /^\/api\/companies\/([^/?#]+)\/events\/ws(?:\?(.*))?$/s;

/** The same checks, in the same order, as for any other route. */
export async function judgeUpgrade(
  request: IncomingMessage,
  services: ServerServices,
  settings: HttpSettings,
): Promise<UpgradeVerdict> {
  try {
    return await judge(request, services, settings);
  } catch (error) {
    const { problem, headers, isServerFault } = problemFromError(error, randomUUID());
    if (isServerFault) services.logger.warn({ err: error, requestId: problem.requestId }, 'An upgrade was refused');
    return { ok: false, problem, headers };
  }
}

async function judge(request: IncomingMessage, services: ServerServices, settings: HttpSettings): Promise<UpgradeVerdict> {
  const { headers } = request;
  const verdict = planOriginCheck(
    { host: headers.host, origin: headers.origin, fetchSite: undefined, fetchMode: undefined },
    settings,
  );
  if (!verdict.ok) throw new HttpProblem(verdict.code, verdict.detail);
  const match = upgradePath.exec(request.url ?? '');
  if (!match || request.method !== 'GET') {
    throw new HttpProblem('route_not_found', 'The WebSocket is at /api/companies/:companyId/events/ws.');
  }
  const token = tokenOf(request);
  const authentication = await services.authenticator.authenticate(token);
  if (!authentication.ok) {
    const code = authentication.reason === 'missing' ? 'token_missing' : 'token_refused';
    throw new HttpProblem(code, 'The upgrade carries no token that is valid here.', {
      headers: { 'www-authenticate': 'Bearer realm="runbeat"' },
    });
  }
  const { caller } = authentication;
  if (!(access.read as readonly string[]).includes(scopeOf(caller))) {
    throw new HttpProblem('scope_too_small', `A token of scope \`${scopeOf(caller)}\` may not follow a company's events.`);
  }
  const companyId = idSchema.safeParse(match[1]);
  const query = liveSocketQuerySchema.safeParse(Object.fromEntries(new URLSearchParams(match[2] ?? '')));
  if (!companyId.success || !query.success) {
    const fields = [
      ...(companyId.success ? [] : [{ field: 'path.companyId', message: 'no id' }]),
      ...(query.success ? [] : [{ field: 'query', message: '`after` is the id of an event, `events` true or false' }]),
    ];
    throw new HttpProblem(
      'request_invalid',
      `These parts of the request are not valid: ${fields.map(({ field }) => field).join(', ')}.`,
      {
        fields,
      },
    );
  }
  const company = await visibleRows(services, caller).company(companyId.data);
  if (!services.liveHub.hasRoom()) {
    throw new HttpProblem('too_many_connections', 'This instance has as many live connections as it may have.');
  }
  return {
    ok: true,
    companyId: company.id,
    after: query.data.after ?? null,
    wantsEvents: query.data.events,
    ticket: accessTicket(services, request, token),
  };
}

/** From the header, or, since browsers cannot set one, from a subprotocol. */
function tokenOf(request: IncomingMessage): string | null {
  const fromHeader = bearerToken(request.headers.authorization);
  if (fromHeader !== null) return fromHeader;
  const protocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const carrier = protocols.find((name) => name.startsWith(liveTokenSubprotocolPrefix));
  return carrier === undefined ? null : carrier.slice(liveTokenSubprotocolPrefix.length);
}
