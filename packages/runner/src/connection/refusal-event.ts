import type { TransportAnswer } from '../transport/runner-transport.js';
import type { ConnectionEvent } from './connection-state.js';

type Refusal = Extract<TransportAnswer<never>, { kind: 'refused' }>;

/**
 * What a refusal means to the connection as a whole; null = it concerns only the request (a fenced job, a bad body).
 */
export function eventFromRefusal(refusal: Refusal, attemptId: number): ConnectionEvent | null {
  const message = `${refusal.code}: ${refusal.message}`;
  switch (refusal.code) {
    case 'session_resync':
    case 'runner_unknown':
      return { type: 'resync', attemptId, message };
    case 'session_superseded':
    case 'session_active':
      return { type: 'rejected', attemptId, message, isSuperseded: true };
    default: {
      const isRejection = refusal.status === 401 || refusal.status === 403 || refusal.status === 426;
      return isRejection ? { type: 'rejected', attemptId, message, isSuperseded: false } : null;
    }
  }
}
