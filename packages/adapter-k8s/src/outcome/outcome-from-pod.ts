import type { RunFailureV1, RunOutcomeV1 } from '@runbeat/adapter-sdk';
import type { ShimExit } from '../logs/frames.js';
import type { WirePod } from '../wire.js';
import { disruptionFailure } from './disruption.js';
import { isFinished, workStatus } from './pod-facts.js';

/** What this adapter did to the Pod, where it did something: an end that follows from it is ours. */
export interface StopFacts {
  readonly reason: { readonly kind: 'cancelled' } | { readonly kind: 'timed_out'; readonly limitMs: number };
  /** The Pod's deadline was lowered, or Pod or Job deleted. */
  readonly isActedOn: boolean;
}

export interface PodOutcomeFacts {
  readonly pod: WirePod;
  /** What the log shim told; null in plain mode, or when it was killed. */
  readonly shimExit: ShimExit | null;
  readonly stop: StopFacts | null;
  /** The limit that the Pod's own deadline enforces. */
  readonly maxRuntimeMs: number;
}

const signalsByNumber: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  3: 'SIGQUIT',
  4: 'SIGILL',
  6: 'SIGABRT',
  8: 'SIGFPE',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/**
 * How a Pod that has ended came out; null while it has not. The container's own result comes first: a Pod that was deleted
 * or evicted and exits 0 within its grace has done its work, and Kubernetes calls its Job Complete too.
 */
export function outcomeFromPod(facts: PodOutcomeFacts): RunOutcomeV1 | null {
  const { pod, stop } = facts;
  const terminated = workStatus(pod)?.state?.terminated;
  if (!terminated && !isFinished(pod)) return null;
  const exitCode = terminated?.exitCode;
  if (stop?.isActedOn && isStoppedByUs(pod)) return stopOutcome(stop, exitCode);
  if (terminated?.reason === 'OOMKilled') return failed(oomFailure(exitCode));
  const { reason, message = '' } = pod.status ?? {};
  if (reason === 'DeadlineExceeded') {
    return { status: 'timed_out', limitMs: facts.maxRuntimeMs, forced: exitCode === 137 };
  }
  if (reason === 'Evicted') return failed(evictedFailure(message, exitCode));
  if (facts.shimExit?.startError) return failed(startFailure(facts.shimExit.startError));
  if (exitCode === 0 && terminated?.reason !== 'ContainerStatusUnknown') return { status: 'succeeded' };
  const initFailure = failedInitContainer(pod);
  if (initFailure !== null) return failed(initFailure);
  if (terminated?.reason === 'StartError' || terminated?.reason === 'ContainerCannotRun') {
    return failed(startFailure(terminated.message ?? terminated.reason));
  }
  const disruption = disruptionFailure(pod, exitCode);
  if (disruption !== null) return failed(disruption);
  if (pod.metadata?.deletionTimestamp) return failed(deletedFailure(pod, exitCode));
  if (exitCode === undefined || terminated?.reason === 'ContainerStatusUnknown') return failed(unknownFailure(pod));
  return failed(exitFailure(exitCode, facts.shimExit, terminated?.message));
}

/** The result of a stop; `forced` = the work did not end within its grace period. */
export function stopOutcome(stop: StopFacts, exitCode: number | undefined): RunOutcomeV1 {
  const forced = exitCode === 137;
  return stop.reason.kind === 'cancelled'
    ? { status: 'cancelled', forced }
    : { status: 'timed_out', limitMs: stop.reason.limitMs, forced };
}

/** Without these marks the work ended by itself before the stop took effect: its own result counts. */
function isStoppedByUs(pod: WirePod): boolean {
  return pod.status?.reason === 'DeadlineExceeded' || pod.metadata?.deletionTimestamp != null;
}

function failed(error: RunFailureV1): RunOutcomeV1 {
  return { status: 'failed', error };
}

function withCode(exitCode: number | undefined): { exitCode?: number } {
  return exitCode === undefined ? {} : { exitCode };
}

function oomFailure(exitCode: number | undefined): RunFailureV1 {
  return {
    code: 'oom_killed',
    message:
      'The kernel killed a process of the container because its memory limit was reached (OOMKilled). Raise resources.requests.memory and resources.limits.memory of the agent, or make the work use less.',
    retryable: false,
    ...withCode(exitCode),
  };
}

function evictedFailure(message: string, exitCode: number | undefined): RunFailureV1 {
  return {
    code: 'evicted',
    message: `The node evicted the Pod: ${message.trim()} Raise the request or limit that the message names (ephemeral-storage, memory, sizeLimit of a volume), or write less.`,
    retryable: true,
    ...withCode(exitCode),
  };
}

function startFailure(text: string): RunFailureV1 {
  return {
    code: 'k8s.container_start_failed',
    message: `The container's command could not be started: ${text} Check command, nodePath and workingDir of the agent against the image.`,
    retryable: false,
  };
}

function deletedFailure(pod: WirePod, exitCode: number | undefined): RunFailureV1 {
  return {
    code: 'pod_deleted',
    message: `Somebody deleted the Pod ${pod.metadata?.name} while it worked. Cancel runs through Runbeat instead, and look in the cluster's audit log for who did it.`,
    retryable: false,
    ...withCode(exitCode),
  };
}

function unknownFailure(pod: WirePod): RunFailureV1 {
  const { reason = 'unknown reason', message = 'no message' } = pod.status ?? {};
  const isRefused = /^(OutOf|Unexpected|NodeAffinity|Topology)/.test(reason);
  return {
    code: isRefused ? 'unschedulable' : 'k8s.container_start_failed',
    message: `The Pod ended without a result of its container (${reason}): ${message} Look at \`kubectl describe pod ${pod.metadata?.name}\` while it is there.`,
    retryable: isRefused,
  };
}

function failedInitContainer(pod: WirePod): RunFailureV1 | null {
  for (const { name, state } of pod.status?.initContainerStatuses ?? []) {
    const code = state?.terminated?.exitCode;
    if (code === undefined || code === 0 || workStatus(pod)?.state?.terminated?.exitCode === 0) continue;
    return {
      code: 'k8s.init_failed',
      message: `The init container ${name} ended with code ${code}: ${state?.terminated?.message ?? state?.terminated?.reason ?? 'no message'}. An admission webhook or the podTemplatePatch added it; its log says more.`,
      retryable: false,
      exitCode: code,
    };
  }
  return null;
}

function exitFailure(exitCode: number, shimExit: ShimExit | null, message: string | undefined): RunFailureV1 {
  const signal = shimExit === null ? signalsByNumber[exitCode - 128] : (shimExit.signal ?? undefined);
  // In framed mode the termination message is the shim's own.
  const words = shimExit === null && message ? `: ${message.trim().slice(0, 1000)}` : '';
  if (signal !== undefined) {
    return {
      code: 'killed_by_signal',
      message: `The work was ended by ${signal} (exit code ${exitCode})${words}.`,
      retryable: false,
      exitCode,
      signal,
    };
  }
  return { code: 'exit_nonzero', message: `The work ended with exit code ${exitCode}${words}.`, retryable: false, exitCode };
}
