import type { IncomingHttpHeaders } from 'node:http';
import type { AccessTicket } from '../../live/live-hub.js';
import { bearerToken } from '../../security/authenticator.js';
import type { ServerServices } from '../services.js';

/** By what right a live connection is open; asked again while it is open, so that a revoked key ends it. */
export function accessTicket(
  services: Pick<ServerServices, 'authenticator'>,
  request: { readonly headers: IncomingHttpHeaders },
  token: string | null = bearerToken(request.headers.authorization),
): AccessTicket {
  if (token === null) return { id: 'local', isValid: () => Promise.resolve(true) };
  return {
    id: token,
    isValid: async () => (await services.authenticator.authenticate(token)).ok,
  };
}
