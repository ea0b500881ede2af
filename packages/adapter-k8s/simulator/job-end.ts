import { conditionOf, type Job, type Pod } from './api-objects.js';
import type { Cluster } from './cluster.js';

/** What a Job comes to, in the two steps in which its conditions tell it. */
export interface PlannedEnd {
  readonly first: 'SuccessCriteriaMet' | 'FailureTarget';
  readonly last: 'Complete' | 'Failed';
  readonly reason: string;
  readonly message: string;
}

/** From its Pods that ended: success, the failure policy, the backoff limit; null = it goes on. */
export function plannedEnd(job: Job, succeeded: Pod[], failed: Pod[], cluster: Cluster): PlannedEnd | null {
  if (succeeded.length > 0) {
    const message = 'Reached expected number of succeeded pods';
    return { first: 'SuccessCriteriaMet', last: 'Complete', reason: 'CompletionsReached', message };
  }
  for (const pod of failed) {
    const index = job.spec.podFailurePolicy?.rules.findIndex((rule) => matches(rule, pod)) ?? -1;
    if (job.spec.podFailurePolicy?.rules[index]?.action === 'FailJob') {
      const message = `Pod ${pod.metadata.namespace}/${pod.metadata.name} has condition DisruptionTarget matching FailJob rule at index ${index}`;
      return { first: 'FailureTarget', last: 'Failed', reason: 'PodFailurePolicy', message };
    }
  }
  const counted = (job.status.failed ?? 0) + failed.filter((pod) => !isIgnored(job, pod)).length;
  if (failed.length === 0 || counted <= (job.spec.backoffLimit ?? 6) || cluster.isClosed) return null;
  const message = 'Job has reached the specified backoff limit';
  return { first: 'FailureTarget', last: 'Failed', reason: 'BackoffLimitExceeded', message };
}

/** A failure that the policy does not count. */
export function isIgnored(job: Job, pod: Pod): boolean {
  return job.spec.podFailurePolicy?.rules.find((rule) => matches(rule, pod))?.action === 'Ignore';
}

function matches(rule: NonNullable<Job['spec']['podFailurePolicy']>['rules'][number], pod: Pod): boolean {
  const byCondition = rule.onPodConditions?.some(
    (wanted) => conditionOf(pod.status.conditions, wanted.type)?.status === (wanted.status ?? 'True'),
  );
  const codes = (pod.status.containerStatuses ?? []).map((each) => each.state.terminated?.exitCode ?? 0);
  const byCode = rule.onExitCodes
    ? codes.some((code) => code !== 0 && (rule.onExitCodes?.operator === 'In') === rule.onExitCodes?.values.includes(code))
    : false;
  return byCondition === true || byCode;
}
