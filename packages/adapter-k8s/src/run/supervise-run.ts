import type { AbortReasonV1, RunOutcomeV1, RunResultV1, RunSinksV1 } from '@runbeat/adapter-sdk';
import { isApiError } from '../cluster/api-error.js';
import type { K8sConfig } from '../config.js';
import type { JobHandle } from '../handle.js';
import { annotationNames } from '../job/job-names.js';
import { jobDeletedOutcome, outcomeFromJob } from '../outcome/outcome-from-job.js';
import { outcomeFromPod, type StopFacts, stopOutcome } from '../outcome/outcome-from-pod.js';
import { hasStarted, isFinished, isJobFinished, workStatus } from '../outcome/pod-facts.js';
import { stopFromJob } from '../outcome/stop-mark.js';
import { removeJob } from '../start.js';
import type { WireJob, WirePod } from '../wire.js';
import { createNotifier } from './notifier.js';
import { createObstacleWatch } from './obstacle-watch.js';
import { isJobGone, isPodGone, podsOf, readRun } from './read-run.js';
import { openRunLog, type RunLog } from './run-log.js';
import type { Scope } from './scope.js';
import { stopWork } from './stop-work.js';

export interface SuperviseOptions {
  readonly scope: Scope;
  readonly handle: JobHandle;
  readonly config: K8sConfig;
  readonly sinks: RunSinksV1;
  readonly afterCursor: string | null;
  /** Aborts with an AbortReasonV1. */
  readonly signal: AbortSignal;
}

/**
 * Watches over a run whose Job is released, until it has ended and its log is read. What changes while it works:
 * - `pod`: the first Pod of the Job, and the only one that counts; its last known state stays after it is gone.
 * - `log`: opened when the container has started, closed on every way out.
 * - `stop`: set by the first abort that asks for an end, never taken back; `markedStop`: somebody else asked for it.
 * - `obstacles`: what the run is held up by, and since when.
 * Absence of API, Job or Pod is never taken from one answer: unknown means "ask again", for as long as it takes.
 */
export async function superviseRun(options: SuperviseOptions): Promise<RunResultV1> {
  const { scope, handle, config, sinks, signal } = options;
  const { timings, now, api } = scope;
  const maxRuntimeMs = config.maxRuntimeSeconds * 1000;
  const notifier = createNotifier();
  const subscription = scope.watch.subscribe(handle.job, notifier.notify);
  const inner = new AbortController();
  let pod = null as WirePod | null;
  let isPodMissing = false;
  let isJobMissing = false;
  let log = null as RunLog | null;
  let stop = null as StopFacts | null;
  let markedStop = null as StopFacts | null;
  let stopping: Promise<unknown> = Promise.resolve();
  let terminatedAt: number | null = null;
  let missingSince: number | null = null;
  let askedAt = now();
  let aliveAt = now();
  const obstacles = createObstacleWatch(scope, sinks);
  const startedAt = now();

  signal.addEventListener('abort', notifier.notify);
  try {
    for (;;) {
      const result = await step();
      if (result !== null) return result;
      await notifier.next(timings.tickMs);
    }
  } finally {
    signal.removeEventListener('abort', notifier.notify);
    inner.abort();
    subscription.release();
    await stopping;
    await log?.close();
  }

  async function step(): Promise<RunResultV1 | null> {
    const leaving = onAbort();
    if (leaving) return { status: 'detached' };
    if (log?.failure) throw log.failure.error;
    const job = await look();
    if (job !== null && (await isTakenOver(job))) return { status: 'detached' };
    await followPod();
    const outcome = plannedOutcome(job);
    if (outcome !== null) return finish(outcome);
    await tellAlive();
    return giveUpWhenStuck(job);
  }

  /** True when the run is to be left alone: it goes on without us. */
  function onAbort(): boolean {
    if (!signal.aborted) return false;
    const reason = signal.reason as AbortReasonV1 | undefined;
    if (reason?.kind !== 'cancelled' && reason?.kind !== 'timed_out') return true;
    if (stop === null) beginStop(reason);
    return false;
  }

  function beginStop(reason: AbortReasonV1): void {
    const facts = {
      reason:
        reason.kind === 'timed_out'
          ? { kind: 'timed_out' as const, limitMs: reason.limitMs ?? now() - startedAt }
          : { kind: 'cancelled' as const },
      isActedOn: false,
    };
    stop = facts;
    stopping = stopWork({
      scope,
      handle,
      graceMs: config.gracePeriodSeconds * 1000,
      reason: facts.reason,
      look: () => readRun(scope, handle, { signal: inner.signal }),
      onAct: () => {
        facts.isActedOn = true;
      },
      signal: inner.signal,
    }).then(notifier.notify, notifier.notify);
  }

  /** The newest of watch and own questions; null = the Job is not there, or nothing is known of it. */
  async function look(): Promise<WireJob | null> {
    const news = subscription.news();
    if (now() - Math.max(news.lastContactAt, askedAt) > timings.newsMs) await ask();
    const { job, pods, isSynced } = subscription.news();
    markedStop ??= stopFromJob(job);
    const mine = podsOf(handle, pods);
    const bound: WirePod | null = pod;
    const current = bound === null ? mine[0] : mine.find((each) => each.metadata?.uid === bound.metadata?.uid);
    if (current) {
      pod = current;
      isPodMissing = false;
    } else if (isSynced && bound !== null && !isPodMissing) {
      isPodMissing = await confirmed(() => isPodGone(scope, podIdentity(bound), inner.signal));
    }
    await removeStrangers(mine);
    const isHere = job?.metadata?.uid === handle.jobUid;
    if (isHere) isJobMissing = false;
    else if (isSynced && !isJobMissing) isJobMissing = await confirmed(() => isJobGone(scope, handle, inner.signal));
    if (pod === null && (isJobMissing || (isHere && isJobFinished(job)))) await lookForPod();
    return isHere ? job : null;
  }

  /** The Job's end may be known before its Pod, whose log is still to be read: no verdict without having asked for it. */
  async function lookForPod(): Promise<void> {
    const hasAsked = await ask();
    pod = podsOf(handle, subscription.news().pods)[0] ?? null;
    isPodMissing = hasAsked && pod === null;
  }

  /** False = could not find out: the run goes on, and it is asked again. */
  async function ask(): Promise<boolean> {
    askedAt = now();
    return confirmed(async () => {
      subscription.learn(await readRun(scope, handle, { signal: inner.signal }));
      return true;
    });
  }

  async function confirmed(question: () => Promise<boolean>): Promise<boolean> {
    try {
      return await question();
    } catch (error) {
      if (!isApiError(error)) throw error;
      return false;
    }
  }

  /** With backoffLimit 0 there is one Pod; any other is a replacement that must not do the work a second time. */
  async function removeStrangers(mine: readonly WirePod[]): Promise<void> {
    for (const other of mine) {
      if (pod === null || other.metadata?.uid === pod.metadata?.uid || other.metadata?.deletionTimestamp != null) continue;
      await sinks.onEvent({
        type: 'k8s.extra_pod_deleted',
        level: 'warn',
        message: `The Job made a second Pod, ${other.metadata?.name}; it is deleted, since a run is worked on once.`,
      });
      await ignoringApi(() => api.deletePod(other.metadata?.name ?? '', { gracePeriodSeconds: 1, signal: inner.signal }));
    }
  }

  /** Another adapter's mark, confirmed by asking: an old event of the watch may be late. */
  async function isTakenOver(job: WireJob): Promise<boolean> {
    if (job.metadata?.annotations?.[annotationNames.owner] === scope.owner) return false;
    try {
      const current = await api.getJob(handle.job, { signal: inner.signal });
      subscription.learn({ job: current });
      return current.metadata?.uid === handle.jobUid && current.metadata.annotations?.[annotationNames.owner] !== scope.owner;
    } catch (error) {
      if (!isApiError(error)) throw error;
      return false;
    }
  }

  async function followPod(): Promise<void> {
    if (pod === null) return;
    if (log === null && hasStarted(pod)) {
      log = openRunLog({
        scope,
        pod,
        mode: handle.logs,
        nodePath: config.nodePath ?? 'node',
        cursor: options.afterCursor,
        sinks,
        onEnd: notifier.notify,
      });
    }
    const terminated = workStatus(pod)?.state?.terminated;
    if (terminated != null || isFinished(pod)) {
      terminatedAt ??= now();
      log?.follower.containerEnded(terminated?.message ?? '');
    }
    if (isPodMissing) log?.follower.podGone();
  }

  function plannedOutcome(job: WireJob | null): RunOutcomeV1 | null {
    const meant = stop ?? markedStop;
    if (log !== null && log.end === null && (terminatedAt !== null || isPodMissing)) return null;
    const ended = pod === null ? null : outcomeFromPod({ pod, shimExit: log?.shimExit ?? null, stop: meant, maxRuntimeMs });
    if (ended !== null) {
      // The reason of a Pod (deadline, eviction) comes with its phase, up to a second after the container's end.
      const isFinal = pod !== null && (isFinished(pod) || isPodMissing);
      if (!isFinal && terminatedAt !== null && now() - terminatedAt < timings.phaseWaitMs) return null;
      return isJobMissing && !meant?.isActedOn && ended.status === 'failed' ? jobDeletedOutcome(handle.job) : ended;
    }
    if (!isPodMissing) return null;
    if (isJobMissing) return meant?.isActedOn ? stopOutcome(meant, undefined) : jobDeletedOutcome(handle.job);
    const byJob = job === null ? null : outcomeFromJob(job, meant, maxRuntimeMs);
    if (byJob !== null) return byJob;
    missingSince ??= now();
    if (now() - missingSince < timings.verdictMs) return null;
    return meant?.isActedOn ? stopOutcome(meant, undefined) : podVanished(handle.job);
  }

  async function finish(outcome: RunOutcomeV1): Promise<RunResultV1> {
    if (log?.end?.kind === 'incomplete') {
      await sinks.onLog('system', `[runbeat] The end of the log may be missing: ${log.end.message}.\n`);
    }
    if (stop?.isActedOn) await removeJob(scope, handle);
    const foreign = log?.foreignText ?? '';
    if (outcome.status !== 'failed' || foreign === '' || log?.shimExit) return outcome;
    const message = `${outcome.error.message} The log shim did not run; the container printed: ${foreign.slice(0, 2000)}`;
    return { status: 'failed', error: { ...outcome.error, message } };
  }

  async function tellAlive(): Promise<void> {
    if (pod === null || workStatus(pod)?.state?.running == null) return;
    const { lastContactAt } = subscription.news();
    if (lastContactAt <= aliveAt || now() - aliveAt < timings.aliveMs) return;
    aliveAt = now();
    await sinks.onAlive();
  }

  async function giveUpWhenStuck(job: WireJob | null): Promise<RunResultV1 | null> {
    if (stop !== null || terminatedAt !== null || isPodMissing || (pod === null && job === null)) return null;
    const failure = await obstacles.check({ job, pod }, inner.signal);
    if (failure === null) return null;
    await removeJob(scope, handle);
    return { status: 'failed', error: failure };
  }
}

function podIdentity(pod: WirePod): { name: string; uid: string } {
  return { name: pod.metadata?.name ?? '', uid: pod.metadata?.uid ?? '' };
}

function podVanished(job: string): RunOutcomeV1 {
  const message = `The Pod of Job ${job} is gone and nothing tells how it ended. Look in the cluster's audit log for who removed it.`;
  return { status: 'failed', error: { code: 'pod_deleted', message, retryable: false } };
}

async function ignoringApi(call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!isApiError(error)) throw error;
  }
}
