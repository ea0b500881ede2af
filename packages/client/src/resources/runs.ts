import type {
  HeartbeatRun,
  LogPage,
  LogStream,
  Page,
  RunEvent,
  RunEventReport,
  RunEventReported,
  RunStatus,
  RunSummary,
  RunWhy,
  WakeupAnswer,
} from '@runbeat/protocol';
import { type CallOptions, pathPart, type Requester } from '../request.js';
import { type PageOptions, withSignal } from './companies.js';

export interface RunListOptions extends PageOptions {
  readonly agentId?: string;
  readonly issueId?: string;
  readonly status?: RunStatus;
}

/** At most one of `offset`, `after` and `tailLines`; none = from the start. */
export interface LogOptions extends CallOptions {
  readonly offset?: number;
  /** A `seq`. */
  readonly after?: number;
  readonly tailLines?: number;
  readonly limitBytes?: number;
  readonly stream?: LogStream;
}

export function runCalls(requester: Requester) {
  const of = (id: string, rest = '') => `/api/heartbeat-runs/${pathPart(id)}${rest}`;
  return {
    /** Newest first. */
    list: (companyId: string, { signal, ...query }: RunListOptions = {}) =>
      requester.json<Page<RunSummary>>({
        method: 'GET',
        path: `/api/companies/${pathPart(companyId)}/heartbeat-runs`,
        query,
        ...withSignal(signal),
      }),
    /** Running and queued runs. */
    live: (companyId: string, options: CallOptions = {}) =>
      requester.json<{ items: RunSummary[] }>({
        method: 'GET',
        path: `/api/companies/${pathPart(companyId)}/live-runs`,
        ...options,
      }),
    get: (id: string, options: CallOptions = {}) => requester.json<HeartbeatRun>({ method: 'GET', path: of(id), ...options }),
    /** The run as it is then; its status becomes `cancelled` only when nothing of it is left alive. */
    cancel: (id: string, body: { readonly reason?: string } = {}, options: CallOptions = {}) =>
      requester.json<HeartbeatRun>({ method: 'POST', path: of(id, '/cancel'), body, ...options }),
    retry: (id: string, options: CallOptions = {}) =>
      requester.json<WakeupAnswer>({ method: 'POST', path: of(id, '/retry'), ...options }),
    why: (id: string, options: CallOptions = {}) => requester.json<RunWhy>({ method: 'GET', path: of(id, '/why'), ...options }),
    /** One page; `complete` only when the run has ended and the page reaches the end. To follow, see `client.runLog`. */
    log: (id: string, { signal, ...query }: LogOptions = {}) =>
      requester.json<LogPage>({ method: 'GET', path: of(id, '/log'), query: { ...query }, ...withSignal(signal) }),
    /** Everything up to now, as it was written. */
    async logText(id: string, { signal, stream }: { readonly signal?: AbortSignal; readonly stream?: LogStream } = {}) {
      const response = await requester.open({
        method: 'GET',
        path: of(id, '/log'),
        query: { format: 'text', stream },
        accept: 'text/plain',
        ...withSignal(signal),
      });
      return response.text();
    },
    /** The timeline, oldest first. */
    events: (id: string, { signal, ...query }: CallOptions & { readonly afterSeq?: number; readonly limit?: number } = {}) =>
      requester.json<{ items: RunEvent[]; nextAfterSeq: number }>({
        method: 'GET',
        path: of(id, '/events'),
        query,
        ...withSignal(signal),
      }),
    /** For the work itself, with its run token: it is still being worked on. */
    reportActivity: (id: string, body: { readonly message?: string } = {}, options: CallOptions = {}) =>
      requester.json<HeartbeatRun>({ method: 'POST', path: of(id, '/activity'), body, ...options }),
    /** For the work itself, with its run token: a line of its timeline. */
    reportEvent: (id: string, body: RunEventReport, options: CallOptions = {}) =>
      requester.json<RunEventReported>({ method: 'POST', path: of(id, '/events'), body, ...options }),
  };
}
