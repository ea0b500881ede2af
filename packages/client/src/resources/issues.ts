import type { Issue, IssueComment, IssueCreate, IssueStatus, IssueUpdate, Page, RunSummary } from '@runbeat/protocol';
import { type CallOptions, type CreateOptions, pathPart, type Requester } from '../request.js';
import { type PageOptions, withSignal } from './companies.js';

export interface IssueListOptions extends PageOptions {
  readonly status?: IssueStatus;
  readonly assigneeAgentId?: string;
}

export function issueCalls(requester: Requester) {
  const of = (id: string, rest = '') => `/api/issues/${pathPart(id)}${rest}`;
  return {
    /** Newest first. */
    list: (companyId: string, { signal, ...query }: IssueListOptions = {}) =>
      requester.json<Page<Issue>>({
        method: 'GET',
        path: `/api/companies/${pathPart(companyId)}/issues`,
        query,
        ...withSignal(signal),
      }),
    create: (companyId: string, body: IssueCreate, options: CreateOptions = {}) =>
      requester.json<Issue>({ method: 'POST', path: `/api/companies/${pathPart(companyId)}/issues`, body, ...options }),
    get: (id: string, options: CallOptions = {}) => requester.json<Issue>({ method: 'GET', path: of(id), ...options }),
    update: (id: string, body: IssueUpdate, options: CallOptions = {}) =>
      requester.json<Issue>({ method: 'PATCH', path: of(id), body, ...options }),
    delete: (id: string, options: CallOptions = {}) => requester.json<void>({ method: 'DELETE', path: of(id), ...options }),
    /** Oldest first. */
    comments: (id: string, { signal, ...query }: PageOptions = {}) =>
      requester.json<Page<IssueComment>>({ method: 'GET', path: of(id, '/comments'), query, ...withSignal(signal) }),
    comment: (id: string, body: string, options: CreateOptions = {}) =>
      requester.json<IssueComment>({ method: 'POST', path: of(id, '/comments'), body: { body }, ...options }),
    /** With a run token `runId` may be left out: its own run is meant. */
    checkout: (id: string, body: { readonly runId?: string } = {}, options: CallOptions = {}) =>
      requester.json<Issue>({ method: 'POST', path: of(id, '/checkout'), body, ...options }),
    release: (id: string, body: { readonly runId?: string } = {}, options: CallOptions = {}) =>
      requester.json<Issue>({ method: 'POST', path: of(id, '/release'), body, ...options }),
    liveRuns: (id: string, options: CallOptions = {}) =>
      requester.json<{ items: RunSummary[] }>({ method: 'GET', path: of(id, '/live-runs'), ...options }),
  };
}
