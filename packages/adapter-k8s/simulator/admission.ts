import type { Container, Job, PodSpec, SecurityContext } from './api-objects.js';
import { type FieldCause, failure, invalid } from './api-status.js';
import type { Cluster } from './cluster.js';
import { quantityValue } from './quantities.js';

/** What the namespace allows; tests change it while the cluster runs. */
export interface AdmissionSettings {
  /** Pods at once, by a ResourceQuota named `pods`; null = no quota. */
  podQuota: number | null;
  podSecurity: 'privileged' | 'restricted';
  serviceAccounts: Set<string>;
  priorityClasses: Set<string>;
  /** A webhook that refuses Pods with this text. */
  webhookRefusal: string | null;
}

export function createAdmissionSettings(): AdmissionSettings {
  return {
    podQuota: null,
    podSecurity: 'restricted',
    serviceAccounts: new Set(['default']),
    priorityClasses: new Set(),
    webhookRefusal: null,
  };
}

/** Why the Job's Pod may not be made: the text behind `Error creating: ` (test/golden/06g, 06i, 06j), or null. */
export function podAdmissionProblem(job: Job, settings: AdmissionSettings, cluster: Cluster): string | null {
  const { name, namespace } = job.metadata;
  const { spec } = job.spec.template;
  const account = spec.serviceAccountName ?? 'default';
  if (!settings.serviceAccounts.has(account)) {
    return `pods "${name}-" is forbidden: error looking up service account ${namespace}/${account}: serviceaccount "${account}" not found`;
  }
  if (spec.priorityClassName && !settings.priorityClasses.has(spec.priorityClassName)) {
    return `pods "${name}-" is forbidden: no PriorityClass with name ${spec.priorityClassName} was found`;
  }
  if (settings.webhookRefusal !== null) {
    return `admission webhook "policy.example.com" denied the request: ${settings.webhookRefusal}`;
  }
  const violations = settings.podSecurity === 'restricted' ? restrictedViolations(spec) : [];
  if (violations.length > 0) {
    return `pods "${name}-xxxxx" is forbidden: violates PodSecurity "restricted:latest": ${violations.join(', ')}`;
  }
  const live = cluster.store.list('pods', namespace).filter((pod) => !['Succeeded', 'Failed'].includes(pod.status.phase));
  if (settings.podQuota !== null && live.length >= settings.podQuota) {
    return `pods "${name}-xxxxx" is forbidden: exceeded quota: pods, requested: pods=1, used: pods=${live.length}, limited: pods=${settings.podQuota}`;
  }
  return null;
}

/** Pod Security `restricted`, in the words of the admission plugin. */
function restrictedViolations(spec: PodSpec): string[] {
  const violations: string[] = [];
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  const offenders = (test: (container: Container) => boolean): string | null => {
    const names = containers.filter(test).map((container) => `"${container.name}"`);
    return names.length === 0 ? null : `container${names.length > 1 ? 's' : ''} ${names.join(', ')}`;
  };
  const either = (container: Container, test: (context: SecurityContext) => boolean): boolean =>
    test({ ...spec.securityContext, ...container.securityContext });
  if (spec.hostNetwork || spec.hostPID) violations.push('host namespaces (hostNetwork=true)');
  const escalation = offenders((each) => each.securityContext?.allowPrivilegeEscalation !== false);
  if (escalation) {
    violations.push(`allowPrivilegeEscalation != false (${escalation} must set securityContext.allowPrivilegeEscalation=false)`);
  }
  const capabilities = offenders((each) => !each.securityContext?.capabilities?.drop?.includes('ALL'));
  if (capabilities) {
    violations.push(`unrestricted capabilities (${capabilities} must set securityContext.capabilities.drop=["ALL"])`);
  }
  const asRoot = offenders((each) => !either(each, (context) => context.runAsNonRoot === true));
  if (asRoot) violations.push(`runAsNonRoot != true (pod or ${asRoot} must set securityContext.runAsNonRoot=true)`);
  const seccomp = offenders(
    (each) => !either(each, (context) => ['RuntimeDefault', 'Localhost'].includes(context.seccompProfile?.type ?? '')),
  );
  if (seccomp) {
    violations.push(
      `seccompProfile (pod or ${seccomp} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")`,
    );
  }
  const forbidden = (spec.volumes ?? []).filter((volume) => 'hostPath' in volume).map((volume) => `"${volume.name}"`);
  if (forbidden.length > 0) {
    violations.push(`restricted volume types (volume ${forbidden.join(', ')} uses restricted volume type "hostPath")`);
  }
  return violations;
}

const NAME_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

/** The checks of `create` that this product can run into (test/golden/01a); throws 400 or 422. */
export function validateJob(job: Job): void {
  const causes: FieldCause[] = [];
  const { name, labels } = job.metadata;
  const spec = job.spec ?? {};
  checkTypes(job);
  if (!/^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/.test(name)) {
    causes.push({ reason: 'FieldValueInvalid', message: `Invalid value: "${name}": ${NAME_RULE}`, field: 'metadata.name' });
  }
  const tooLong = (value: string, field: string): void => {
    if (value.length > 63) {
      const message = `Invalid value: "${value}": must be no more than 63 characters`;
      causes.push({ reason: 'FieldValueInvalid', message, field });
    }
  };
  for (const value of Object.values(labels ?? {})) tooLong(value, 'metadata.labels');
  if (spec.backoffLimit !== undefined && spec.backoffLimit < 0) {
    const message = `Invalid value: ${spec.backoffLimit}: must be greater than or equal to 0`;
    causes.push({ reason: 'FieldValueInvalid', message, field: 'spec.backoffLimit' });
  }
  if (name.length > 63) {
    // `job-name` and `batch.kubernetes.io/job-name`.
    for (const field of ['metadata.labels', 'metadata.labels', 'spec.template.labels', 'spec.template.labels'])
      tooLong(name, field);
  }
  const template = spec.template?.spec;
  if (!template?.containers?.length) {
    causes.push({ reason: 'FieldValueRequired', message: 'Required value', field: 'spec.template.spec.containers' });
  }
  if (template?.restartPolicy !== 'Never' && template?.restartPolicy !== 'OnFailure') {
    const message = 'Required value: valid values: "OnFailure", "Never"';
    causes.push({ reason: 'FieldValueRequired', message, field: 'spec.template.spec.restartPolicy' });
  }
  if (spec.podFailurePolicy && spec.podReplacementPolicy === 'TerminatingOrFailed') {
    const message = 'Unsupported value: "TerminatingOrFailed": supported values: "Failed"';
    causes.push({ reason: 'FieldValueNotSupported', message, field: 'spec.podReplacementPolicy' });
  }
  template?.containers?.forEach((container, index) => {
    const { requests = {}, limits = {} } = container.resources ?? {};
    for (const resource of Object.keys(requests)) {
      const [asked, limit] = [quantityValue(requests[resource] ?? ''), quantityValue(limits[resource] ?? '')];
      if (asked === null || limit === null || asked <= limit) continue;
      causes.push({
        reason: 'FieldValueInvalid',
        message: `Invalid value: "${requests[resource]}": must be less than or equal to ${resource} limit of ${limits[resource]}`,
        field: `spec.template.spec.containers[${index}].resources.requests`,
      });
    }
  });
  if (causes.length > 0) throw invalid({ kind: 'Job', group: 'batch', name }, causes);
}

function checkTypes(job: Job): void {
  const backoffLimit: unknown = job.spec?.backoffLimit;
  if (backoffLimit === undefined || typeof backoffLimit === 'number') return;
  throw failure({
    code: 400,
    reason: 'BadRequest',
    message: `Job in version "v1" cannot be handled as a Job: json: cannot unmarshal ${typeof backoffLimit} into Go struct field JobSpec.spec.backoffLimit of type int32`,
  });
}
