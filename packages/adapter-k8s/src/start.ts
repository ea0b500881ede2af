import {
  type AbortReasonV1,
  AdapterError,
  type ExecuteContextV1,
  failureFromError,
  isAdapterError,
  type RunFailureV1,
  sleep,
} from '@runbeat/adapter-sdk';
import { isApiError, isStatus, isTransient, type KubernetesApiError } from './cluster/api-error.js';
import { type K8sConfig, logModeOf } from './config.js';
import type { JobHandle } from './handle.js';
import { annotationNames, type RunIdentity, secretName } from './job/job-names.js';
import { jobSpec } from './job/job-spec.js';
import { runSecret, type SecretFacts, secretEnvironment } from './job/run-secret.js';
import { rbacDenied } from './outcome/rbac-denied.js';
import { retryCall } from './run/retry-call.js';
import type { Scope } from './run/scope.js';
import type { WireJob } from './wire.js';

/** What starting a run came to. `refused` = it cannot run; nothing of it is left behind. */
export type StartResult =
  | { readonly kind: 'started'; readonly handle: JobHandle }
  | { readonly kind: 'refused'; readonly failure: RunFailureV1 }
  /** `signal` aborted on the way; `handle` is null when no Job was made. */
  | { readonly kind: 'interrupted'; readonly handle: JobHandle | null };

export interface StartOptions {
  readonly scope: Scope;
  readonly context: Pick<
    ExecuteContextV1<K8sConfig>,
    'runId' | 'attempt' | 'agent' | 'config' | 'input' | 'environment' | 'onSpawn'
  >;
  readonly signal: AbortSignal;
  readonly announce: (handle: JobHandle) => Promise<void>;
}

/**
 * Creates a run's Job so that a crash at any point leaves at most a suspended Job that owns everything, and doing it
 * again makes nothing twice: suspended Job, handle stored, Secret owned by the Job, then the Job is released.
 */
export async function startJob(options: StartOptions): Promise<StartResult> {
  const { scope, context } = options;
  const { signal, dispose } = unhurriedSignal(options.signal, scope.timings.shutdownMs);
  let handle: JobHandle | null = null;
  try {
    const job = await createOrAdopt({ ...options, signal });
    handle = handleOf(scope, job, context.config);
    await options.announce(handle);
    await releaseJob(scope, handle, job, context, signal);
    return { kind: 'started', handle };
  } catch (error) {
    if (signal.aborted && isApiError(error)) return { kind: 'interrupted', handle };
    if (handle) await removeJob(scope, handle);
    if (isApiError(error)) return { kind: 'refused', failure: startFailure(error, scope) };
    if (isAdapterError(error) && error.code.startsWith('k8s.')) return { kind: 'refused', failure: failureFromError(error) };
    throw error;
  } finally {
    dispose();
  }
}

/** A shutdown leaves a start the time to get through: work that was announced is to go on without us. */
function unhurriedSignal(signal: AbortSignal, shutdownMs: number): { signal: AbortSignal; dispose: () => void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const onAbort = (): void => {
    const reason = signal.reason as AbortReasonV1 | undefined;
    if (reason?.kind === 'host_shutdown') timer = setTimeout(() => controller.abort(reason), shutdownMs);
    else controller.abort(reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    dispose() {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    },
  };
}

function handleOf(scope: Scope, job: WireJob, config: K8sConfig): JobHandle {
  const { name = '', uid = '' } = job.metadata ?? {};
  return { namespace: scope.api.namespace, job: name, jobUid: uid, logs: logModeOf(config) };
}

function identityOf({ runId, attempt, agent }: StartOptions['context']): RunIdentity {
  return { runId, attempt, agentId: agent.id, companyId: agent.companyId };
}

async function createOrAdopt({ scope, context, signal }: StartOptions): Promise<WireJob> {
  const { api, timings, now, instance, installation, owner } = scope;
  const desired = jobSpec({
    run: identityOf(context),
    config: context.config,
    instance,
    installation: installation?.id ?? null,
    owner,
    secretVariables: Object.keys(secretEnvironment(context)),
  });
  const name = desired.metadata?.name ?? '';
  const retry = { timings, now, signal, limitMs: timings.startMs };
  for (;;) {
    try {
      return await retryCall(() => api.createJob(desired, { signal }), retry);
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
    }
    // Ours from an answer that was lost or a server that died, somebody else's, or one that is just going.
    const existing = await retryCall(() => api.getJob(name, { signal }), retry).catch((error: unknown) => {
      if (isStatus(error, 404)) return null;
      throw error;
    });
    if (existing !== null && existing.metadata?.deletionTimestamp == null) {
      try {
        return await adopt(scope, existing, desired, signal);
      } catch (error) {
        // The Job controller, or another server, wrote it since we read it.
        if (!isStatus(error, 409) && !isStatus(error, 404)) throw error;
      }
    }
    await sleep(timings.backoffMinMs, signal);
  }
}

/** Takes over a Job of this run and attempt; one that does not match is never touched. */
async function adopt(scope: Scope, existing: WireJob, desired: WireJob, signal: AbortSignal): Promise<WireJob> {
  const mine = desired.metadata?.annotations ?? {};
  const theirs = existing.metadata?.annotations ?? {};
  const name = existing.metadata?.name ?? '';
  for (const key of [annotationNames.runId, annotationNames.specHash]) {
    if (mine[key] === theirs[key]) continue;
    throw new AdapterError(
      'k8s.name_taken',
      `The Job ${name} in namespace ${scope.api.namespace} exists already and is not of this run and config (annotation ${key} differs). Delete it if nobody needs it.`,
    );
  }
  if (theirs[annotationNames.owner] === scope.owner) return existing;
  return claimJob(scope, existing, signal);
}

/** Writes this adapter's mark on a Job; of two that try at once one gets a 409 and loses. */
export function claimJob(scope: Scope, job: WireJob, signal: AbortSignal): Promise<WireJob> {
  const { name = '', resourceVersion, uid } = job.metadata ?? {};
  const patch = { metadata: { uid, resourceVersion, annotations: { [annotationNames.owner]: scope.owner } } };
  return scope.api.patchJob(name, patch, { signal });
}

/** Secret and release of a suspended Job; nothing to do for one that was released before. */
export async function releaseJob(
  scope: Scope,
  handle: JobHandle,
  job: WireJob,
  facts: SecretFacts,
  signal: AbortSignal,
): Promise<void> {
  if (job.spec?.suspend !== true) return;
  const { api, timings, now } = scope;
  const retry = { timings, now, signal, limitMs: timings.startMs };
  const secret = runSecret(facts, { name: secretName(handle.job), uid: handle.jobUid }, job.metadata?.labels ?? {});
  for (;;) {
    try {
      await retryCall(() => api.createSecret(secret, { signal }), retry);
      break;
    } catch (error) {
      if (!isStatus(error, 409)) throw error;
      // Of an earlier try, perhaps with a token that is no longer good. While the Job is suspended nobody reads it.
      await retryCall(() => ignoreMissing(api.deleteSecret(secretName(handle.job), { signal })), retry);
    }
  }
  await retryCall(
    () => api.patchJob(handle.job, { metadata: { uid: handle.jobUid }, spec: { suspend: false } }, { signal }),
    retry,
  );
}

async function ignoreMissing(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (!isStatus(error, 404)) throw error;
  }
}

/** Deletes what was started; a few tries, since a suspended Job that stays is swept later. */
export async function removeJob(scope: Scope, handle: JobHandle): Promise<void> {
  const { api, timings, now } = scope;
  const signal = AbortSignal.timeout(timings.callMs * 2);
  try {
    await retryCall(
      () => ignoreMissing(api.deleteJob(handle.job, { propagationPolicy: 'Background', uid: handle.jobUid, signal })),
      { timings, now, signal, limitMs: timings.callMs },
    );
  } catch (error) {
    if (!isApiError(error)) throw error;
    if (isStatus(error, 409)) return;
    scope.notify({ type: 'orphan_sweep_failed', message: `Job ${handle.job} could not be deleted: ${error.message}` });
  }
}

/** Why a run cannot be started, with what to do. */
export function startFailure(error: KubernetesApiError, scope: Scope): RunFailureV1 {
  const where = `namespace ${scope.api.namespace}`;
  if (isTransient(error)) {
    return {
      code: 'k8s.api_unreachable',
      message: `The Kubernetes API could not be used to start the run: ${error.message}. Check the address in the kubeconfig, the network and the token.`,
      retryable: true,
    };
  }
  if (isStatus(error, 403) && /exceeded quota/.test(error.message)) {
    const message = `The quota of ${where} has no room: ${error.message}. Raise it or run fewer at once.`;
    return { code: 'k8s.quota_exceeded', message, retryable: true };
  }
  if (isStatus(error, 403) && /cannot \w+ resource/.test(error.message)) return rbacDenied(error);
  if (isStatus(error, 422) || isStatus(error, 400)) {
    const message = `The cluster refuses the Job: ${error.message}. Correct the field that it names in the agent's config.`;
    return { code: 'config_invalid', message, retryable: false };
  }
  const remedy = isStatus(error, 404) ? `Create ${where}, or correct the agent's namespace.` : 'Read the message of the server.';
  return { code: 'k8s.api_refused', message: `The Job could not be created: ${error.message}. ${remedy}`, retryable: false };
}
