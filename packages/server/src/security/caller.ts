import type { AgentId, CompanyId, RunId, RunnerId } from '../supervisor/model/index.js';
import type { Actor } from '../supervisor/supervisor.js';

/**
 * Who a request is.
 * - `local`: anybody on this machine, in mode `local`; an operator.
 * - `api-key`: a key with a scope.
 * - `run-token`: the work of one running run.
 * - `runner`: a registered runner.
 */
export type Caller =
  | { readonly kind: 'local' }
  | {
      readonly kind: 'api-key';
      readonly keyId: string;
      readonly scope: 'operator' | 'company' | 'agent' | 'runner';
      /** Null = every company (`operator`, and `runner` keys that serve all). */
      readonly companyId: CompanyId | null;
      readonly agentId: AgentId | null;
    }
  | { readonly kind: 'run-token'; readonly runId: RunId; readonly agentId: AgentId; readonly companyId: CompanyId }
  | { readonly kind: 'runner'; readonly runnerId: RunnerId; readonly companyId: CompanyId | null };

/** What a route asks of its caller; each route lists the scopes that it serves. */
export type Scope = 'operator' | 'company' | 'agent' | 'run' | 'runner';

export function scopeOf(caller: Caller): Scope {
  switch (caller.kind) {
    case 'local':
      return 'operator';
    case 'api-key':
      return caller.scope;
    case 'run-token':
      return 'run';
    case 'runner':
      return 'runner';
  }
}

/** Whether rows of the company exist for the caller at all; where not, the answer is 404. */
export function canSeeCompany(caller: Caller, companyId: CompanyId): boolean {
  if (caller.kind === 'local') return true;
  if (caller.companyId === null) return true;
  return caller.companyId === companyId;
}

/** The company to which the caller is bound; null = none. */
export function companyOf(caller: Caller): CompanyId | null {
  return caller.kind === 'local' ? null : caller.companyId;
}

/** Who is named as the author of a change. */
export function actorOf(caller: Caller): Actor {
  switch (caller.kind) {
    case 'local':
      return { kind: 'user', userId: 'local' };
    case 'api-key':
      return caller.agentId === null
        ? { kind: 'user', userId: `key:${caller.keyId}` }
        : { kind: 'agent', agentId: caller.agentId, runId: null };
    case 'run-token':
      return { kind: 'agent', agentId: caller.agentId, runId: caller.runId };
    case 'runner':
      return { kind: 'system' };
  }
}

/** `requestedBy` of a wakeup request. */
export function requesterOf(caller: Caller): string {
  switch (caller.kind) {
    case 'local':
      return 'user:local';
    case 'api-key':
      return caller.agentId === null ? `user:key:${caller.keyId}` : `agent:${caller.agentId}`;
    case 'run-token':
      return `run:${caller.runId}`;
    case 'runner':
      return `runner:${caller.runnerId}`;
  }
}

/** Stable name of the caller: one rate limit, and one space of idempotency keys, per name. */
export function callerName(caller: Caller): string {
  return caller.kind === 'api-key' ? `key:${caller.keyId}` : requesterOf(caller);
}
