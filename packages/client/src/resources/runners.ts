import type { RunnerHealth } from '@runbeat/protocol';
import { type CallOptions, pathPart, type Requester } from '../request.js';

/** Runners as operators see them. What a runner itself calls is in `@runbeat/runner`. */
export function runnerCalls(requester: Requester) {
  const of = (id: string, rest = '') => `/api/runners/${pathPart(id)}${rest}`;
  return {
    list: (options: CallOptions = {}) =>
      requester.json<{ items: RunnerHealth[] }>({ method: 'GET', path: '/api/runners', ...options }),
    health: (id: string, options: CallOptions = {}) =>
      requester.json<RunnerHealth>({ method: 'GET', path: of(id, '/health'), ...options }),
    setAdminStatus: (id: string, adminStatus: 'enabled' | 'disabled', options: CallOptions = {}) =>
      requester.json<RunnerHealth>({ method: 'PATCH', path: of(id), body: { adminStatus }, ...options }),
    remove: (id: string, options: CallOptions = {}) => requester.json<void>({ method: 'DELETE', path: of(id), ...options }),
  };
}
