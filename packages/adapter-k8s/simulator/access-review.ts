import { isAllowed, type SimulatedUser } from './access.js';
import { badRequest, invalid } from './api-status.js';

interface Review {
  readonly spec?: {
    readonly resourceAttributes?: {
      readonly namespace?: string;
      readonly verb?: string;
      readonly group?: string;
      readonly resource?: string;
      readonly subresource?: string;
      readonly name?: string;
    };
  };
}

/** SelfSubjectAccessReview: what every authenticated user may ask (test/golden/01b). */
export function selfSubjectAccessReview(user: SimulatedUser, bodyText: string): object {
  let review: Review;
  try {
    review = JSON.parse(bodyText) as Review;
  } catch {
    throw badRequest('the object provided is unrecognized');
  }
  const asked = review.spec?.resourceAttributes;
  if (!asked) {
    const message = 'Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified';
    throw invalid({ kind: '', group: 'authorization.k8s.io', name: '' }, [
      { reason: 'FieldValueInvalid', message, field: 'spec.resourceAttributes' },
    ]);
  }
  const resource = asked.subresource ? `${asked.resource}/${asked.subresource}` : (asked.resource ?? '');
  const allowed = isAllowed(user, {
    verb: asked.verb ?? '',
    group: asked.group ?? '',
    resource,
    namespace: asked.namespace ?? null,
  });
  const reason = `RBAC: allowed by RoleBinding "agent-runner/${user.namespace}" of Role "agent-runner" to ServiceAccount "agent-runner/${user.namespace}"`;
  return {
    kind: 'SelfSubjectAccessReview',
    apiVersion: 'authorization.k8s.io/v1',
    metadata: {},
    spec: { resourceAttributes: asked },
    status: { allowed, ...(allowed && user.rules !== null ? { reason } : {}) },
  };
}
