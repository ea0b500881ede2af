import type { EnvironmentCheckV1, EnvironmentReportV1, TestContextV1 } from '@runbeat/adapter-sdk';
import { isAdapterError } from '@runbeat/adapter-sdk';
import { isApiError } from './cluster/api-error.js';
import { type K8sConfig, logModeOf } from './config.js';
import { jobSpec } from './job/job-spec.js';
import { secretEnvironment } from './job/run-secret.js';
import type { Scope, Scopes } from './run/scope.js';
import { startFailure } from './start.js';

interface Right {
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly verb: string;
  /** What does not work without it; absent = nothing does. */
  readonly degrades?: string;
}

const right = (group: string, resource: string, verb: string): Right => ({ group, resource, verb });

/** The Role of deploy/kubernetes/role.yaml, verb by verb; a test holds the two equal. */
export const neededRights: readonly Right[] = [
  ...['create', 'get', 'list', 'watch', 'patch', 'delete'].map((verb) => right('batch', 'jobs', verb)),
  ...['get', 'list', 'watch', 'patch', 'delete'].map((verb) => right('', 'pods', verb)),
  { ...right('', 'pods', 'get'), subresource: 'log' },
  ...['create', 'delete'].map((verb) => right('', 'secrets', verb)),
  { ...right('', 'events', 'list'), degrades: 'why a Pod is not made, or a volume not mounted, cannot be told' },
  ...['get', 'create'].map((verb) => ({
    ...right('', 'pods', verb),
    subresource: 'exec',
    degrades: 'output that the node rotated away cannot be fetched from the Pod (framed logs)',
  })),
];

interface AccessReview {
  readonly status?: { readonly allowed?: boolean; readonly reason?: string };
}

/** Asks the cluster whether it can be reached, what may be done there, and whether it would take the agent's Job. */
export async function testEnvironment(scopes: Scopes, context: TestContextV1<K8sConfig>): Promise<EnvironmentReportV1> {
  const { config, signal } = context;
  const checks: EnvironmentCheckV1[] = [];
  try {
    const scope = await scopes.of(config);
    const server = (await scope.connection.credentials()).server.host;
    const version: { gitVersion?: string } = await scope.connection.call({ method: 'GET', path: '/version', signal });
    checks.push({
      code: 'cluster_reachable',
      level: 'ok',
      message: `Kubernetes ${version.gitVersion ?? ''} at ${server}, namespace ${scope.api.namespace}`,
    });
    checks.push(...(await checkRights(scope, signal)));
    if (!checks.some((check) => check.level === 'error')) checks.push(await checkJob(scope, context));
  } catch (error) {
    if (!isApiError(error) && !isAdapterError(error)) throw error;
    checks.push({
      code: isAdapterError(error) ? error.code.replace('.', '_') : 'cluster_unreachable',
      level: 'error',
      message: error.message,
      hint: 'Check kubeconfig and context of the agent: `kubectl --kubeconfig … --context … version` must work on this machine.',
    });
  }
  if (logModeOf(config) === 'plain') {
    checks.push({
      code: 'plain_logs',
      level: 'info',
      message: 'The log is plain: stdout and stderr are not told apart, and what a node rotates away unread is only marked.',
      hint: 'Set nodePath when the image has Node.',
    });
  }
  return { checks };
}

async function checkRights(scope: Scope, signal: AbortSignal): Promise<EnvironmentCheckV1[]> {
  const checks: EnvironmentCheckV1[] = [];
  for (const wanted of neededRights) {
    const review: AccessReview = await scope.connection.call({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: {
          resourceAttributes: {
            namespace: scope.api.namespace,
            verb: wanted.verb,
            group: wanted.group,
            resource: wanted.resource,
            ...(wanted.subresource === undefined ? {} : { subresource: wanted.subresource }),
          },
        },
      },
      signal,
    });
    checks.push(rightCheck(wanted, review.status?.allowed === true));
  }
  return checks;
}

function rightCheck(wanted: Right, isAllowed: boolean): EnvironmentCheckV1 {
  const resource = wanted.subresource === undefined ? wanted.resource : `${wanted.resource}/${wanted.subresource}`;
  const code = `right_${resource.replace('/', '_')}_${wanted.verb}`;
  if (isAllowed) return { code, level: 'ok', message: `May ${wanted.verb} ${resource}` };
  return {
    code,
    level: wanted.degrades === undefined ? 'error' : 'warn',
    message: `May not ${wanted.verb} ${resource}${wanted.degrades === undefined ? '' : `: ${wanted.degrades}`}`,
    hint: `Add to the Role: - apiGroups: ["${wanted.group}"]\n    resources: ["${resource}"]\n    verbs: ["${wanted.verb}"]`,
  };
}

/** Lets the server check the Job without keeping it: wrong fields, webhooks and Job quotas show here. */
async function checkJob(scope: Scope, { config, environment, signal }: TestContextV1<K8sConfig>): Promise<EnvironmentCheckV1> {
  const job = jobSpec({
    run: { runId: 'environment-test', attempt: 1, agentId: 'environment-test', companyId: 'environment-test' },
    config,
    instance: scope.instance,
    installation: scope.installation?.id ?? null,
    owner: scope.owner,
    secretVariables: Object.keys(secretEnvironment({ config, environment })),
  });
  try {
    await scope.api.createJob(job, { signal, isDryRun: true });
    return { code: 'job_accepted', level: 'ok', message: 'The cluster takes a Job of this config (dry run)' };
  } catch (error) {
    if (!isApiError(error)) throw error;
    const failure = startFailure(error, scope);
    return { code: 'job_refused', level: 'error', message: failure.message, hint: 'Correct the config of the agent.' };
  }
}
