import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LiveConnection } from '../../live/live-connection.js';
import { createSseTransport } from '../../live/sse-transport.js';
import { HttpProblem } from '../problem/http-problem.js';
import type { ServerServices } from '../services.js';
import { accessTicket } from './access-ticket.js';

/** Takes the response over from Fastify. */
export function openStream(services: ServerServices, request: FastifyRequest, reply: FastifyReply): LiveConnection {
  const { liveHub, logger } = services;
  if (!liveHub.hasRoom()) {
    throw new HttpProblem('too_many_connections', 'This instance has as many live connections as it may have.');
  }
  reply.hijack();
  const response = reply.raw;
  const transport = createSseTransport(response, (error) => logger.warn({ err: error }, 'A live stream failed'));
  const connection = liveHub.connect(transport, accessTicket(services, request));
  response.on('close', () => connection.transportClosed());
  if (response.destroyed || response.socket?.destroyed) connection.transportClosed();
  return connection;
}

/** Where an event stream goes on (`Last-Event-ID`); null = the client does not say. */
export function lastEventId(request: FastifyRequest): number | null {
  const header = request.headers['last-event-id'];
  if (header === undefined || header === '') return null;
  const id = Number(header);
  if (Number.isSafeInteger(id) && id >= 0) return id;
  throw new HttpProblem('request_invalid', 'The header Last-Event-ID is not one that this server gave.', {
    fields: [{ field: 'headers.last-event-id', message: 'a whole number from 0' }],
  });
}
