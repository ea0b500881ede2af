import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import type { AdapterFact, EvidenceFact, RecoveryFacts } from './recovery-facts.js';

/** What is to be done with a suspect. Every plan but `keep` begins with taking the run over, by a compare-and-set. */
export type RecoveryPlan =
  | {
      readonly kind: 'keep';
      readonly why: string;
      /** Do not look again before; null = the next sweep. */
      readonly lookAgainAt: Date | null;
      /** `alive` is proof of life; `unknown` starts or continues the time in which nothing could be found out. */
      readonly finding: 'alive' | 'unknown' | 'nothing_new';
      /** Own it, so that its deadline and cancels are ours to enforce; with the warning that users see. */
      readonly detachedProcess: ProcessHandleV1 | null;
    }
  /** Ask once more before "gone" is believed. */
  | { readonly kind: 'confirm_gone' }
  /** Follow it again from the stored cursor. `ended`: only its last output is to be fetched. */
  | { readonly kind: 'reattach'; readonly isEnded: boolean; readonly countsAsDeath: boolean }
  /** Nothing was started before the host died: make sure of it, then execute the same run anew. */
  | { readonly kind: 'restart'; readonly countsAsDeath: boolean }
  | { readonly kind: 'stop'; readonly status: 'cancelled' | 'timed_out'; readonly message: string }
  | {
      readonly kind: 'lose';
      readonly code: 'process_lost' | 'adapter_liveness_lost' | 'adapter_missing' | 'adapter_crashed';
      readonly message: string;
      /** End what may be alive first, by handle. */
      readonly isEndedFirst: boolean;
      readonly retry: 'never' | 'process_lost';
    };

type Lose = Extract<RecoveryPlan, { kind: 'lose' }>;
type Keep = Extract<RecoveryPlan, { kind: 'keep' }>;

/** The reaper's decision, whole: see the table in docs/recovery.md, which is this function's test. */
export function planRecovery(facts: RecoveryFacts): RecoveryPlan {
  const { run, owner, adapter, evidence } = facts;
  if (owner === 'alive') return keep('another instance follows it');
  const isEnded = evidence.kind === 'probe' && evidence.answer.state === 'ended';
  if (owner !== 'following' && !isEnded) {
    const stop = planStop(facts);
    if (stop) return stop;
  }
  if (adapter.kind === 'missing' || adapter.kind === 'unavailable') return planWithoutAdapter(facts, adapter);
  switch (adapter.kind) {
    case 'attached':
      return owner === 'following' ? planFollowedAttached(facts) : planAttached(facts);
    case 'log-driven':
      return planLogDriven(facts);
    case 'handle':
      if (run.handle === null) return owner === 'following' ? keep('it is being started') : planLostStart(facts);
      return planByProbe(facts, evidence);
  }
}

function planStop({ now, run, adapter }: RecoveryFacts): RecoveryPlan | null {
  const isReachable = adapter.kind !== 'missing' && adapter.kind !== 'unavailable';
  if (!isReachable && run.handle?.kind !== 'process') return null;
  if (run.cancelRequestedAt) {
    return { kind: 'stop', status: 'cancelled', message: run.cancelReason ?? 'Cancelled.' };
  }
  if (run.deadlineAt && run.deadlineAt <= now) {
    return {
      kind: 'stop',
      status: 'timed_out',
      message: `The run reached its limit of ${run.timeoutMs ?? 0} ms and was stopped.`,
    };
  }
  return null;
}

/** Never run as something else: it waits for its adapter, and is given up when that does not come back. */
function planWithoutAdapter(facts: RecoveryFacts, adapter: Extract<AdapterFact, { message: string }>): RecoveryPlan {
  const { adapterMissingLimitMs } = facts.settings;
  if (facts.owner !== 'following' && unknownForMs(facts) >= adapterMissingLimitMs && facts.isWarm) {
    const message = `${adapter.message} It did not come back within ${minutes(adapterMissingLimitMs)} minutes.`;
    return lose('adapter_missing', message, { isEndedFirst: facts.run.handle?.kind === 'process' });
  }
  return keepUnknown(facts, adapter.message, facts.settings.reapIntervalMs);
}

/** The host's own limits watch it; silence is no evidence against work whose promise we hold. */
function planFollowedAttached(facts: RecoveryFacts): RecoveryPlan {
  return keep('this instance executes it', { lookAgainAt: after(facts, facts.settings.livenessStaleAfterMs) });
}

function planAttached(facts: RecoveryFacts): RecoveryPlan {
  const { run, evidence } = facts;
  if (run.handle === null) {
    const isSecondDeath = run.processLossRetryCount + 1 >= facts.settings.poisonDeathLimit;
    return isSecondDeath
      ? lose('adapter_crashed', 'The server died while this run was being started, for the second time; it is not tried again.')
      : lose('process_lost', 'The server restarted before the process was recorded.', { retry: 'process_lost' });
  }
  if (evidence.kind !== 'process' || run.handle.kind !== 'process') {
    return lose('process_lost', 'The server that executed the run is gone, and the work with it.', { retry: 'process_lost' });
  }
  const { pid, host } = run.handle;
  const { state } = evidence;
  switch (state.state) {
    case 'alive':
      return keep(`its process ${pid} is alive`, { finding: 'alive', detachedProcess: run.handle });
    case 'elsewhere':
      return lose('process_lost', `The run's process ${pid} was on host ${host}, whose server is gone past its lease.`, {
        retry: 'process_lost',
      });
    case 'unknown':
      if (unknownForMs(facts) >= facts.settings.livenessUnknownLimitMs && facts.isWarm) {
        return lose(
          'process_lost',
          `For ${minutes(facts.settings.livenessUnknownLimitMs)} minutes nothing could be found out about process ${pid}: ${state.message}`,
        );
      }
      return keepUnknown(facts, state.message, facts.settings.reapIntervalMs);
    case 'gone':
      if (state.livingGroupMembers > 0) {
        return lose('process_lost', `Process ${pid} is gone; its descendant process group was still alive and was ended.`, {
          isEndedFirst: true,
          retry: 'process_lost',
        });
      }
      return lose(
        'process_lost',
        state.isReused ? `Process ${pid} is gone; its pid belongs to another process now.` : `Process ${pid} is gone.`,
        { retry: 'process_lost' },
      );
  }
}

/** Without a probe, silence is all there is; never judged before we have listened for the whole time ourselves. */
function planLogDriven(facts: RecoveryFacts): RecoveryPlan {
  const { livenessStaleAfterMs } = facts.settings;
  const silentMs = facts.now.getTime() - facts.run.updatedAt.getTime();
  if (silentMs < livenessStaleAfterMs) {
    return keep('it gave a sign of life recently', {
      lookAgainAt: new Date(facts.run.updatedAt.getTime() + livenessStaleAfterMs),
    });
  }
  if (!facts.isWarm) {
    return keep('this instance has not listened for long enough yet', {
      lookAgainAt: after(facts, facts.settings.reapIntervalMs),
    });
  }
  return lose('adapter_liveness_lost', `No sign of life for ${minutes(silentMs)} minutes.`, { isEndedFirst: true });
}

/** Adapters let nothing survive that was started before its handle was stored, so the same run can begin again. */
function planLostStart({ run, owner, settings }: RecoveryFacts): RecoveryPlan {
  // An orderly shutdown is no death; and when we own the run already, its host's death was counted when we took it.
  const countsAsDeath = owner === 'dead' && run.phase !== 'detached';
  const deaths = run.instanceDeathCount + (countsAsDeath ? 1 : 0);
  if (deaths < settings.poisonDeathLimit) return { kind: 'restart', countsAsDeath };
  const message = `The server died ${deaths} times while this run was being started; it is not tried again.`;
  return lose('adapter_crashed', message, { isEndedFirst: true });
}

function planByProbe(facts: RecoveryFacts, evidence: EvidenceFact): RecoveryPlan {
  const { run, owner, settings } = facts;
  if (evidence.kind !== 'probe') return keep('it was not asked about');
  const { answer } = evidence;
  switch (answer.state) {
    case 'alive':
    case 'ended': {
      if (owner === 'following') {
        return keep(answer.state === 'alive' ? 'its adapter says that it is alive' : 'it ended and its output is being fetched', {
          finding: 'alive',
        });
      }
      // A host that died while it reattached may have died of it. Deaths of healthy runs do not count (docs/decisions/0004).
      const countsAsDeath = run.phase === 'reattaching';
      if (countsAsDeath && run.instanceDeathCount + 1 >= settings.reattachDeathLimit) {
        const message = `The server or the adapter died ${run.instanceDeathCount + 1} times in a row while it took this run over; it is given up.`;
        return lose('adapter_crashed', message, { isEndedFirst: true });
      }
      return { kind: 'reattach', isEnded: answer.state === 'ended', countsAsDeath };
    }
    case 'gone':
      if (!evidence.isConfirmed) return { kind: 'confirm_gone' };
      return lose(
        'adapter_liveness_lost',
        'Its adapter says, asked twice, that the work is gone and that nothing tells how it ended.',
        {
          isEndedFirst: true,
        },
      );
    case 'unknown':
      if (unknownForMs(facts) >= settings.livenessUnknownLimitMs && facts.isWarm) {
        const message = `For ${minutes(settings.livenessUnknownLimitMs)} minutes nothing could be found out: ${answer.message}`;
        return lose('adapter_liveness_lost', message, { isEndedFirst: true });
      }
      return keepUnknown(facts, answer.message, answer.retryAfterMs);
  }
}

/** How long nothing could be found out; any proof of life since counts. */
function unknownForMs({ now, run }: RecoveryFacts): number {
  if (run.unknownSince === null) return 0;
  return now.getTime() - Math.max(run.unknownSince.getTime(), run.updatedAt.getTime());
}

function keepUnknown(facts: RecoveryFacts, why: string, retryAfterMs: number): Keep {
  const boundedMs = Math.min(Math.max(retryAfterMs, 1_000), facts.settings.livenessStaleAfterMs);
  return keep(why, { finding: 'unknown', lookAgainAt: after(facts, boundedMs) });
}

function keep(why: string, rest: Partial<Keep> = {}): Keep {
  return { lookAgainAt: null, finding: 'nothing_new', detachedProcess: null, ...rest, kind: 'keep', why };
}

function lose(code: Lose['code'], message: string, rest: Partial<Lose> = {}): Lose {
  return { isEndedFirst: false, retry: 'never', ...rest, kind: 'lose', code, message };
}

function after({ now }: RecoveryFacts, delayMs: number): Date {
  return new Date(now.getTime() + delayMs);
}

function minutes(spanMs: number): number {
  return Math.floor(spanMs / 60_000);
}
