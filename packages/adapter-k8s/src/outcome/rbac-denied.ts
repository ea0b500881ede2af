import type { RunFailureV1 } from '@runbeat/adapter-sdk';
import type { KubernetesApiError } from '../cluster/api-error.js';

/** A 403 of RBAC: which rule the Role lacks, ready to paste. */
export function rbacDenied(error: KubernetesApiError): RunFailureV1 {
  const [, verb, resource = '', group = ''] = /cannot (\w+) resource "([^"]+)" in API group "([^"]*)"/.exec(error.message) ?? [];
  const rule =
    verb === undefined
      ? 'Compare the Role with deploy/kubernetes/role.yaml.'
      : `Add this rule to the Role: - apiGroups: ["${group}"]\n    resources: ["${resource}"]\n    verbs: ["${verb}"]`;
  return { code: 'rbac_denied', message: `${error.message}. ${rule}`, retryable: false };
}
