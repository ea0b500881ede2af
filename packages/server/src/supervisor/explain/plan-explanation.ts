import type { Agent, Issue, Run, RunEvent, WakeupRequest } from '../model/index.js';
import type { AdapterLookup } from '../ports/index.js';
import type { Explanation } from '../supervisor.js';

export interface ExplanationFacts {
  readonly now: Date;
  readonly run: Run;
  readonly wakeup: WakeupRequest | null;
  readonly agent: Agent | null;
  readonly issue: Issue | null;
  readonly adapter: AdapterLookup;
  readonly events: readonly RunEvent[];
  readonly isFollowedHere: boolean;
  readonly agentRunningCount: number;
  readonly instance: { readonly running: number; readonly limit: number };
}

/** Why a run is as it is, in sentences, the most telling first; each with what it rests on. */
export function planExplanation(facts: ExplanationFacts): readonly Explanation[] {
  const { run } = facts;
  const own = run.status === 'queued' ? whyQueued(facts) : run.status === 'running' ? whyRunning(facts) : whyEnded(facts);
  return [...own, ...whyStarted(facts), ...history(facts)];
}

function whyQueued({ now, run, agent, adapter, agentRunningCount, instance }: ExplanationFacts): Explanation[] {
  if (run.notBefore && run.notBefore > now) {
    return [
      say('waits_for_time', `It starts no sooner than ${run.notBefore.toISOString()}.`, {
        notBefore: run.notBefore.toISOString(),
      }),
    ];
  }
  if (!adapter.found) {
    const what = adapter.state === 'missing' ? 'is not registered on this server' : 'is not ready';
    return [
      say(adapter.code, `It waits because adapter ${run.adapterType} ${what}: ${adapter.message}`, {
        adapterType: run.adapterType,
        state: adapter.state,
        placement: run.contextSnapshot.placement,
      }),
    ];
  }
  if (agent && agent.status !== 'active') {
    return [
      say('agent_not_active', `Agent ${agent.name} is ${agent.status}; the run will be skipped.`, { status: agent.status }),
    ];
  }
  const slots = agent?.runtimeConfig.heartbeat.maxConcurrentRuns ?? 0;
  if (agent && agentRunningCount >= slots) {
    return [
      say('waits_for_agent_slot', `It waits because agent ${agent.name} runs ${agentRunningCount} of ${slots} runs at once.`, {
        running: agentRunningCount,
        slots,
      }),
    ];
  }
  if (instance.running >= instance.limit) {
    return [
      say('waits_for_instance_slot', `It waits because this server runs ${instance.running} of ${instance.limit} runs at once.`, {
        ...instance,
      }),
    ];
  }
  const waitingMs = now.getTime() - run.createdAt.getTime();
  return [
    say('waits_for_claim', `It is next in line; it was queued ${waitingMs} ms ago.`, { waitingMs, priority: run.priority }),
  ];
}

function whyRunning({ now, run, isFollowedHere }: ExplanationFacts): Explanation[] {
  const silentMs = now.getTime() - run.updatedAt.getTime();
  const place = isFollowedHere ? 'this server follows it' : `instance ${run.ownerInstanceId ?? '(none)'} owns it`;
  const sentences = [
    say(
      'running',
      `It is running (${run.phase ?? 'starting'}); ${place}. Its last proof of life is ${Math.round(silentMs / 1000)} s old.`,
      {
        phase: run.phase,
        ownerInstanceId: run.ownerInstanceId,
        ownerEpoch: run.ownerEpoch,
        lastProofOfLife: run.updatedAt.toISOString(),
        pid: run.processPid,
      },
    ),
  ];
  if (run.warning)
    sentences.unshift(say(run.warning.code, run.warning.message, { pid: run.processPid }, new Date(run.warning.at)));
  if (run.cancelRequestedAt) {
    sentences.unshift(
      say(
        'cancel_requested',
        `It is being stopped: ${run.cancelReason ?? 'somebody cancelled it'}.`,
        null,
        run.cancelRequestedAt,
      ),
    );
  }
  if (run.unknownSince) {
    sentences.unshift(
      say(
        'liveness_unknown',
        'Whether its work is alive cannot be found out just now; it is kept and asked again.',
        {
          nextProbeAt: run.nextProbeAt?.toISOString() ?? null,
        },
        run.unknownSince,
      ),
    );
  }
  return sentences;
}

function whyEnded({ run, wakeup, events }: ExplanationFacts): Explanation[] {
  const code = run.errorCode ?? run.status;
  const sentence = run.status === 'succeeded' ? 'It succeeded.' : `It ${wordOf(run.status)}: ${run.error ?? code}`;
  const sentences = [
    say(code, sentence, { exitCode: run.exitCode, signal: run.signal, errorCode: run.errorCode }, run.finishedAt),
  ];
  if (wakeup?.status === 'skipped') {
    sentences.push(
      say('wakeup_skipped', `Its wake was skipped: ${wakeup.statusReason ?? 'it made no sense any more'}.`, {
        wakeupRequestId: wakeup.id,
      }),
    );
  }
  const retryRunId = retryOf(events);
  if (retryRunId !== null) sentences.push(say('retried', `Run ${retryRunId} is its second try.`, { runId: retryRunId }));
  return sentences;
}

function whyStarted({ run, wakeup, issue }: ExplanationFacts): Explanation[] {
  const sentences: Explanation[] = [];
  if (wakeup) {
    const by = wakeup.requestedBy === null ? '' : ` by ${wakeup.requestedBy}`;
    sentences.push(
      say(
        'woken',
        `It was woken${by} (${wakeup.source})${wakeup.reason === null ? '.' : `: ${wakeup.reason}`}`,
        {
          wakeupRequestId: wakeup.id,
          coalescedCount: wakeup.coalescedCount,
        },
        wakeup.createdAt,
      ),
    );
  }
  if (issue) {
    sentences.push(
      say('works_on_issue', `It works on issue "${issue.title}", which is ${issue.status}.`, {
        issueId: issue.id,
        executionRunId: issue.executionRunId,
        checkoutRunId: issue.checkoutRunId,
      }),
    );
  }
  if (run.retryOfRunId) {
    sentences.push(
      say('is_retry', `It is a second try of run ${run.retryOfRunId} (${run.contextSnapshot.retryReason ?? 'retry'}).`, {
        retryOfRunId: run.retryOfRunId,
        processLossRetryCount: run.processLossRetryCount,
        transientRetryCount: run.transientRetryCount,
      }),
    );
  }
  return sentences;
}

/** The settlement names the retry that it made. */
function retryOf(events: readonly RunEvent[]): string | null {
  const data = events.find((event) => event.type === 'run-finished')?.data;
  if (typeof data !== 'object' || data === null || !('retryRunId' in data)) return null;
  return typeof data.retryRunId === 'string' ? data.retryRunId : null;
}

/** Steps of the run's life that explain something; the rest is in its events. */
const telling: ReadonlySet<string> = new Set([
  'wakeup-promoted',
  'wakeup-coalesced',
  'run-reattached',
  'run-restarted',
  'process_detached',
  'recovery-waits',
  'run-stopping',
  'run-silent',
]);

function history({ events }: ExplanationFacts): Explanation[] {
  return events
    .filter((event) => telling.has(event.type))
    .map((event) => say(event.type, event.message, event.data ?? null, event.at));
}

function wordOf(status: Run['status']): string {
  return {
    queued: 'is queued',
    running: 'is running',
    succeeded: 'succeeded',
    failed: 'failed',
    cancelled: 'was cancelled',
    timed_out: 'timed out',
  }[status];
}

function say(code: string, sentence: string, evidence: Explanation['evidence'], at: Date | null = null): Explanation {
  return { code, sentence, evidence, at };
}
