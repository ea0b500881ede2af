import type { Adapter, AdapterAdd, AdapterCheckResult, AdapterUpdate, EnvironmentReport } from '@runbeat/protocol';
import { type CallOptions, pathPart, type Requester } from '../request.js';

export function adapterCalls(requester: Requester) {
  const of = (type: string, rest = '') => `/api/adapters/${pathPart(type)}${rest}`;
  return {
    list: (options: CallOptions = {}) =>
      requester.json<{ items: Adapter[] }>({ method: 'GET', path: '/api/adapters', ...options }),
    get: (type: string, options: CallOptions = {}) => requester.json<Adapter>({ method: 'GET', path: of(type), ...options }),
    /** Answers when it is ready; when a step fails, nothing has changed. */
    add: (body: AdapterAdd, options: CallOptions = {}) =>
      requester.json<Adapter>({ method: 'POST', path: '/api/adapters', body, ...options }),
    update: (type: string, body: AdapterUpdate = {}, options: CallOptions = {}) =>
      requester.json<Adapter>({ method: 'PATCH', path: of(type), body, ...options }),
    /** Refused while runs use it, unless `force`: then it goes once they have ended. */
    remove: (type: string, query: { readonly force?: boolean } = {}, options: CallOptions = {}) =>
      requester.json<void>({ method: 'DELETE', path: of(type), query: { ...query }, ...options }),
    check: (body: { readonly source: string; readonly allowScripts?: boolean }, options: CallOptions = {}) =>
      requester.json<AdapterCheckResult>({ method: 'POST', path: '/api/adapters/check', body, ...options }),
    /** Whether an agent with this config could run on the server. */
    test: (type: string, body: { readonly adapterConfig?: Record<string, unknown> } = {}, options: CallOptions = {}) =>
      requester.json<EnvironmentReport>({ method: 'POST', path: of(type, '/test'), body, ...options }),
  };
}
