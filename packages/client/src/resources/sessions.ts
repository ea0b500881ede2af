import type { JournalEntry, JsonValue, Page, Session, SessionMessage, SessionPrompt } from '@runbeat/protocol';
import { type CallOptions, type CreateOptions, pathPart, type Requester } from '../request.js';
import { type PageOptions, withSignal } from './companies.js';

export function sessionCalls(requester: Requester) {
  const of = (id: string, rest = '') => `/api/sessions/${pathPart(id)}${rest}`;
  const ofAgent = (agentId: string) => `/api/agents/${pathPart(agentId)}/sessions`;
  return {
    /** Newest first. */
    list: (agentId: string, { signal, ...query }: PageOptions = {}) =>
      requester.json<Page<Session>>({ method: 'GET', path: ofAgent(agentId), query, ...withSignal(signal) }),
    create: (agentId: string, body: { readonly isStarted?: boolean } = {}, options: CreateOptions = {}) =>
      requester.json<Session>({ method: 'POST', path: ofAgent(agentId), body, ...options }),
    get: (id: string, options: CallOptions = {}) => requester.json<Session>({ method: 'GET', path: of(id), ...options }),
    /** The same `id` again gives the same outcome. */
    message: (id: string, body: SessionMessage, options: CallOptions = {}) =>
      requester.json<SessionPrompt>({ method: 'POST', path: of(id, '/messages'), body, ...options }),
    prompt: (id: string, promptId: string, options: CallOptions = {}) =>
      requester.json<SessionPrompt>({ method: 'GET', path: of(id, `/messages/${pathPart(promptId)}`), ...options }),
    journal: (id: string, { signal, ...query }: CallOptions & { readonly since?: number; readonly limit?: number } = {}) =>
      requester.json<{ entries: JournalEntry[]; headSeq: number }>({
        method: 'GET',
        path: of(id, '/journal'),
        query,
        ...withSignal(signal),
      }),
    cancel: (id: string, body: { readonly promptId?: string } = {}, options: CallOptions = {}) =>
      requester.json<Session>({ method: 'POST', path: of(id, '/cancel'), body, ...options }),
    answer: (id: string, body: { readonly requestId: string; readonly answer: JsonValue }, options: CallOptions = {}) =>
      requester.json<Session>({ method: 'POST', path: of(id, '/answers'), body, ...options }),
    restart: (id: string, options: CallOptions = {}) =>
      requester.json<Session>({ method: 'POST', path: of(id, '/restart'), ...options }),
    end: (id: string, options: CallOptions = {}) => requester.json<Session>({ method: 'DELETE', path: of(id), ...options }),
  };
}
