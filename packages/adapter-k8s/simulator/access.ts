import { RESOURCE_KINDS, type ResourceName } from './api-objects.js';
import { type ApiFailure, failure } from './api-status.js';

export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Who a bearer token is, and what RBAC allows it. `rules: null` is a cluster admin. */
export interface SimulatedUser {
  readonly name: string;
  readonly namespace: string;
  rules: readonly PolicyRule[] | null;
}

export interface AccessRequest {
  readonly verb: string;
  readonly group: string;
  /** `jobs`, `pods`, `pods/log` … */
  readonly resource: string;
  /** Null = at the cluster scope. */
  readonly namespace: string | null;
  readonly name?: string;
}

export function isAllowed(user: SimulatedUser, request: AccessRequest): boolean {
  if (user.rules === null) return true;
  if (request.namespace !== user.namespace) return false;
  return user.rules.some(
    (rule) =>
      matches(rule.apiGroups, request.group) && matches(rule.resources, request.resource) && matches(rule.verbs, request.verb),
  );
}

function matches(allowed: readonly string[], wanted: string): boolean {
  return allowed.includes('*') || allowed.includes(wanted);
}

/** 403 in the words of RBAC (test/golden/01b). */
export function forbidden(user: SimulatedUser, request: AccessRequest): ApiFailure {
  const [plural = ''] = request.resource.split('/');
  const qualified = request.group === '' ? plural : `${plural}.${request.group}`;
  const where = request.namespace === null ? 'at the cluster scope' : `in the namespace "${request.namespace}"`;
  const subject = request.name === undefined ? qualified : `${qualified} "${request.name}"`;
  return failure(
    {
      code: 403,
      reason: 'Forbidden',
      message: `${subject} is forbidden: User "${user.name}" cannot ${request.verb} resource "${request.resource}" in API group "${request.group}" ${where}`,
      details: {
        ...(request.name === undefined ? {} : { name: request.name }),
        ...(request.group === '' ? {} : { group: request.group }),
        kind: plural,
      },
    },
    { 'X-Content-Type-Options': 'nosniff' },
  );
}

export function isResourceName(name: string): name is ResourceName {
  return name in RESOURCE_KINDS;
}
