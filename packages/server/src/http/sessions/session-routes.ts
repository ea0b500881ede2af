import {
  idParamsSchema,
  journalPageSchema,
  journalQuerySchema,
  pageQuerySchema,
  promptIdSchema,
  sessionAnswerSchema,
  sessionCancelSchema,
  sessionCreateSchema,
  sessionPageSchema,
  sessionPromptMessageSchema,
  sessionPromptSchema,
  sessionSchema,
} from '@runbeat/protocol';
import { z } from 'zod';
import { followSession } from '../../live/session-subscription.js';
import { type Caller, canSeeCompany } from '../../security/caller.js';
import { type SessionView, sessionFailures } from '../../sessions/index.js';
import type { SessionId } from '../../supervisor/model/index.js';
import { access, callerOf } from '../access/route-access.js';
import { visibleRows } from '../access/visible-rows.js';
import { idempotentCreate } from '../idempotent-create.js';
import { eventStream } from '../live-events/live-routes.js';
import { lastEventId, openStream } from '../live-events/open-stream.js';
import type { RoutePlugin, ServerServices } from '../services.js';
import { wireJournalEntry, wirePrompt, wireSession } from './wire-session.js';

/** A prompt of 1 MiB must fit, with room for the rest. */
const messageBodyLimitBytes = 2 * 1_048_576;

export const sessionRoutes: RoutePlugin = (app, services) => {
  const tags = ['sessions'];
  const { sessions } = services;
  app.route({
    method: 'POST',
    url: '/api/agents/:id/sessions',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Start a conversation with an agent',
      params: idParamsSchema,
      body: sessionCreateSchema,
      response: { 201: sessionSchema },
    },
    handler: async (request, reply) => {
      const agent = await visibleRows(services, callerOf(request)).agent(request.params.id);
      return idempotentCreate(services, request, reply, {
        create: (answerOf) => sessions.create(agent, request.body, answerOf),
        wire: wireSession,
      });
    },
  });
  app.route({
    method: 'GET',
    url: '/api/agents/:id/sessions',
    config: { access: access.read },
    schema: {
      tags,
      summary: 'Conversations of an agent, newest first',
      params: idParamsSchema,
      querystring: pageQuerySchema,
      response: { 200: sessionPageSchema },
    },
    handler: async (request) => {
      const agent = await visibleRows(services, callerOf(request)).agent(request.params.id);
      const page = await sessions.list({
        companyId: agent.companyId,
        agentId: agent.id,
        limit: request.query.limit,
        cursor: request.query.cursor ?? null,
      });
      return { items: page.items.map(wireSession), nextCursor: page.nextCursor };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/sessions/:id',
    config: { access: access.read },
    schema: { tags, summary: 'Read a conversation', params: idParamsSchema, response: { 200: sessionSchema } },
    handler: async (request) => wireSession(await visibleSession(services, callerOf(request), request.params.id)),
  });
  app.route({
    method: 'POST',
    url: '/api/sessions/:id/messages',
    bodyLimit: messageBodyLimitBytes,
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Send a prompt',
      description:
        'Answers when the agent took it up (or is done, with `wait`). The same id again gives the same outcome; another id while one is in flight gives 409 `session_busy`.',
      params: idParamsSchema,
      body: sessionPromptMessageSchema,
      response: { 200: sessionPromptSchema },
    },
    handler: async (request) => {
      const { session } = await visibleSession(services, callerOf(request), request.params.id);
      const { id, prompt, wait } = request.body;
      return wirePrompt(await sessions.message(session.id, { id, prompt, wait }));
    },
  });
  app.route({
    method: 'GET',
    url: '/api/sessions/:id/messages/:promptId',
    config: { access: access.read },
    schema: {
      tags,
      summary: 'What became of a prompt',
      params: idParamsSchema.extend({ promptId: promptIdSchema }),
      response: { 200: sessionPromptSchema },
    },
    handler: async (request) => {
      const { session } = await visibleSession(services, callerOf(request), request.params.id);
      const prompt = await sessions.getPrompt(session.id, request.params.promptId);
      if (!prompt) throw sessionFailures.promptNotFound(session.id, request.params.promptId);
      return wirePrompt(prompt);
    },
  });
  app.route({
    method: 'GET',
    url: '/api/sessions/:id/journal',
    config: { access: access.read },
    schema: {
      tags,
      summary: 'Everything that was said, in order',
      description: 'Live: subscribe with `{ "subscribe": { "sessionId", "since" } }` on the events WebSocket of the company.',
      params: idParamsSchema,
      querystring: journalQuerySchema,
      response: { 200: journalPageSchema },
    },
    handler: async (request) => {
      const { session } = await visibleSession(services, callerOf(request), request.params.id);
      const entries = await sessions.readJournal(session.id, { afterSeq: request.query.since, limit: request.query.limit });
      return { entries: entries.map(wireJournalEntry), headSeq: session.headSeq };
    },
  });
  app.route({
    method: 'GET',
    url: '/api/sessions/:id/journal/stream',
    config: { access: access.read },
    schema: {
      tags,
      summary: 'The journal, live',
      description: 'Entries behind `since` (or `Last-Event-ID`, a `seq`), then what follows.',
      params: idParamsSchema,
      querystring: journalQuerySchema.pick({ since: true }),
      response: eventStream,
    },
    handler: async (request, reply) => {
      const { session } = await visibleSession(services, callerOf(request), request.params.id);
      const since = lastEventId(request) ?? request.query.since;
      const connection = openStream(services, request, reply);
      followSession({ sessions, connection, sessionId: session.id, since, logger: services.logger });
      return reply;
    },
  });
  app.route({
    method: 'POST',
    url: '/api/sessions/:id/cancel',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Ask the agent to end the prompt in flight',
      params: idParamsSchema,
      body: sessionCancelSchema,
      response: { 202: sessionSchema },
    },
    handler: async (request, reply) => {
      const { session } = await visibleSession(services, callerOf(request), request.params.id);
      reply.code(202);
      return wireSession(await sessions.cancel(session.id, request.body.promptId ?? null));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/sessions/:id/answers',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'Answer a question of the agent',
      params: idParamsSchema,
      body: sessionAnswerSchema,
      response: { 202: sessionSchema },
    },
    handler: async (request, reply) => {
      const { session } = await visibleSession(services, callerOf(request), request.params.id);
      reply.code(202);
      return wireSession(await sessions.answer(session.id, request.body.requestId, request.body.answer));
    },
  });
  app.route({
    method: 'POST',
    url: '/api/sessions/:id/restart',
    config: { access: access.manage },
    schema: { tags, summary: 'End the worker and start a new one', params: idParamsSchema, response: { 202: sessionSchema } },
    handler: async (request, reply) => {
      const { session } = await visibleSession(services, callerOf(request), request.params.id);
      reply.code(202);
      return wireSession(await sessions.restart(session.id));
    },
  });
  app.route({
    method: 'DELETE',
    url: '/api/sessions/:id',
    config: { access: access.manage },
    schema: {
      tags,
      summary: 'End a conversation and its worker',
      params: idParamsSchema,
      querystring: z.object({
        keep: z.stringbool().default(false).meta({ description: 'Only stop the worker; the next message starts a new one.' }),
      }),
      response: { 202: sessionSchema },
    },
    handler: async (request, reply) => {
      const { session } = await visibleSession(services, callerOf(request), request.params.id);
      reply.code(202);
      if (session.endedAt) return wireSession({ session, promptInFlight: null });
      return wireSession(await sessions.stop(session.id, { isFinal: !request.query.keep }));
    },
  });
};

/** A session of a company that the caller cannot see is answered like one that does not exist. */
async function visibleSession(services: Pick<ServerServices, 'sessions'>, caller: Caller, id: string): Promise<SessionView> {
  const view = await services.sessions.get(id as SessionId);
  if (!view || !canSeeCompany(caller, view.session.companyId)) throw sessionFailures.notFound(id);
  return view;
}
