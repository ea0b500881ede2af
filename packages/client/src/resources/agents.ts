import type { Agent, AgentCreate, AgentRuntimeState, AgentUpdate, Page, Wakeup, WakeupAnswer } from '@runbeat/protocol';
import { type CallOptions, type CreateOptions, pathPart, type Requester } from '../request.js';
import { type PageOptions, withSignal } from './companies.js';

export function agentCalls(requester: Requester) {
  const of = (id: string, rest = '') => `/api/agents/${pathPart(id)}${rest}`;
  return {
    /** Oldest first. */
    list: (companyId: string, { signal, ...query }: PageOptions = {}) =>
      requester.json<Page<Agent>>({
        method: 'GET',
        path: `/api/companies/${pathPart(companyId)}/agents`,
        query,
        ...withSignal(signal),
      }),
    create: (companyId: string, body: AgentCreate, options: CreateOptions = {}) =>
      requester.json<Agent>({ method: 'POST', path: `/api/companies/${pathPart(companyId)}/agents`, body, ...options }),
    get: (id: string, options: CallOptions = {}) => requester.json<Agent>({ method: 'GET', path: of(id), ...options }),
    /** Absent members keep their value. */
    update: (id: string, body: AgentUpdate, options: CallOptions = {}) =>
      requester.json<Agent>({ method: 'PATCH', path: of(id), body, ...options }),
    delete: (id: string, options: CallOptions = {}) => requester.json<void>({ method: 'DELETE', path: of(id), ...options }),
    /** Asks the agent to run. `run` is null when nothing was queued; `reason` then says why. */
    wakeup: (id: string, body: Wakeup = {}, options: CallOptions = {}) =>
      requester.json<WakeupAnswer>({ method: 'POST', path: of(id, '/wakeup'), body, ...options }),
    pause: (id: string, body: { readonly reason?: string } = {}, options: CallOptions = {}) =>
      requester.json<Agent>({ method: 'POST', path: of(id, '/pause'), body, ...options }),
    resume: (id: string, options: CallOptions = {}) =>
      requester.json<Agent>({ method: 'POST', path: of(id, '/resume'), ...options }),
    runtimeState: (id: string, options: CallOptions = {}) =>
      requester.json<AgentRuntimeState>({ method: 'GET', path: of(id, '/runtime-state'), ...options }),
  };
}
