import type { ApiKey, ApiKeyCreate, ApiKeyCreated, Page, WhoAmI } from '@runbeat/protocol';
import { type CallOptions, pathPart, type Requester } from '../request.js';
import { type PageOptions, withSignal } from './companies.js';

export function apiKeyCalls(requester: Requester) {
  return {
    /** Newest first. */
    list: ({ signal, ...query }: PageOptions = {}) =>
      requester.json<Page<ApiKey>>({ method: 'GET', path: '/api/api-keys', query, ...withSignal(signal) }),
    /** `key` is in this answer and nowhere else. */
    create: (body: ApiKeyCreate, options: CallOptions = {}) =>
      requester.json<ApiKeyCreated>({ method: 'POST', path: '/api/api-keys', body, ...options }),
    revoke: (id: string, options: CallOptions = {}) =>
      requester.json<ApiKey>({ method: 'DELETE', path: `/api/api-keys/${pathPart(id)}`, ...options }),
    /** Who the server takes this client for. */
    whoAmI: (options: CallOptions = {}) => requester.json<WhoAmI>({ method: 'GET', path: '/api/whoami', ...options }),
  };
}
