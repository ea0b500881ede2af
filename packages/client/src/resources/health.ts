import type { Health, Readiness } from '@runbeat/protocol';
import type { CallOptions, Requester } from '../request.js';

export function healthCalls(requester: Requester) {
  return {
    /** The process answers. */
    live: (options: CallOptions = {}) => requester.json<Health>({ method: 'GET', path: '/healthz', ...options }),
    /** Also when it is not ready: the checks say what is missing. */
    ready: (options: CallOptions = {}) =>
      requester.json<Readiness>({ method: 'GET', path: '/readyz', acceptStatus: 503, ...options }),
  };
}
