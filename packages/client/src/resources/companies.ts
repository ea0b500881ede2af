import type { Company, CompanyCreate, Page } from '@runbeat/protocol';
import { type CallOptions, type CreateOptions, pathPart, type Requester } from '../request.js';

export interface PageOptions extends CallOptions {
  /** 1 to 200; default 50. */
  readonly limit?: number;
  /** `nextCursor` of the page before. */
  readonly cursor?: string;
}

export function companyCalls(requester: Requester) {
  return {
    /** Oldest first. In mode `local` one named `local` is always there. */
    list: ({ signal, ...query }: PageOptions = {}) =>
      requester.json<Page<Company>>({ method: 'GET', path: '/api/companies', query, ...withSignal(signal) }),
    create: (body: CompanyCreate, options: CreateOptions = {}) =>
      requester.json<Company>({ method: 'POST', path: '/api/companies', body, ...options }),
    get: (id: string, options: CallOptions = {}) =>
      requester.json<Company>({ method: 'GET', path: `/api/companies/${pathPart(id)}`, ...options }),
  };
}

/** `signal: undefined` is not the same as no `signal` under `exactOptionalPropertyTypes`. */
export function withSignal(signal: AbortSignal | undefined): CallOptions {
  return signal === undefined ? {} : { signal };
}
