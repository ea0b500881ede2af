import type { AbortReasonV1, RunResultV1 } from '@runbeat/adapter-sdk';
import type { JobEffect, JobEvent, JobState } from './job-state.js';

export interface JobPlan {
  readonly state: JobState;
  readonly effects: readonly JobEffect[];
}

/** What a job becomes by an event, and what is to be done. Pure; every pair of phase and event is answered. */
export function planJob(state: JobState, event: JobEvent): JobPlan {
  switch (state.phase) {
    case 'offered':
      return planOffered(state, event);
    case 'claiming':
      return planClaiming(state, event);
    case 'leased':
      return planReclaim(state, event) ?? planLeased(state, event);
    case 'running':
      return planReclaim(state, event) ?? planRunning(state, event);
    case 'finishing':
      return planReclaim(state, event) ?? planFinishing(state, event);
    case 'done':
    case 'fenced':
    case 'lost':
      return stay(state);
  }
}

const stay = (state: JobState): JobPlan => ({ state, effects: [] });
const move = (state: JobState, ...effects: JobEffect[]): JobPlan => ({ state, effects });

function planOffered(state: JobState, event: JobEvent): JobPlan {
  switch (event.type) {
    case 'offered':
      return move({ ...state, phase: 'claiming', leaseEpoch: event.leaseEpoch }, { type: 'claim', leaseEpoch: event.leaseEpoch });
    case 'claim-refused':
    case 'fenced':
    case 'cancelled':
    case 'unknown-too-long':
    case 'disconnected-too-long':
      // Nothing was started and nothing is on disk: forget it; if the server still wants it here, it offers it again.
      return move({ ...state, phase: 'fenced' }, { type: 'discard' });
    default:
      return stay(state);
  }
}

function planClaiming(state: JobState, event: JobEvent): JobPlan {
  switch (event.type) {
    case 'claim-accepted':
      // Also when it was cancelled meanwhile: the server counts it as ours now and waits for a result.
      return move({ ...state, phase: 'leased' }, { type: 'store-claim' });
    case 'claim-refused':
    case 'fenced':
      return move({ ...state, phase: 'fenced' }, { type: 'discard' });
    case 'claim-failed':
      return stay({ ...state, phase: 'offered' });
    case 'cancelled':
      return stay({ ...state, cancel: state.cancel ?? event.reason });
    default:
      return stay(state);
  }
}

function planLeased(state: JobState, event: JobEvent): JobPlan {
  switch (event.type) {
    case 'lease-renewed':
      if (state.cancel !== null) return finish(state, cancelledBeforeStart(state.cancel));
      return move({ ...state, phase: 'running' }, { type: 'start' });
    case 'cancelled':
      return finish({ ...state, cancel: state.cancel ?? event.reason }, cancelledBeforeStart(state.cancel ?? event.reason));
    case 'fenced':
      return move({ ...state, phase: 'fenced' }, { type: 'discard' });
    case 'unknown-too-long':
    case 'disconnected-too-long':
      // It never started, so nothing is lost: the server offers it again when it is back.
      return move({ ...state, phase: 'fenced' }, { type: 'discard' });
    default:
      return stay(state);
  }
}

function planRunning(state: JobState, event: JobEvent): JobPlan {
  switch (event.type) {
    case 'execution-settled':
      return settled(state, event.result);
    case 'cancelled':
      if (state.cancel !== null) return stay(state);
      return move({ ...state, cancel: event.reason }, { type: 'abort', reason: event.reason });
    case 'fenced':
      // To the adapter this is a cancel: the work of a run that is not ours must not go on here.
      return endBy(state, 'fence', 'the server ended the run or gave it to another runner');
    case 'unknown-too-long':
      return endBy(state, 'lose', 'the server does not know this run');
    case 'disconnected-too-long':
      return endBy(state, 'disconnect', 'no contact to the server for longer than lease and grace');
    default:
      return stay(state);
  }
}

function planFinishing(state: JobState, event: JobEvent): JobPlan {
  switch (event.type) {
    case 'finish-accepted':
      return move({ ...state, phase: 'done' }, { type: 'discard' });
    case 'finish-pending':
      return move(state, { type: 'schedule-finish', afterMs: event.retryAfterMs });
    case 'finish-failed':
      return move(state, { type: 'schedule-finish', afterMs: 'backoff' });
    case 'finish-resend':
      return move(state, { type: 'rewind-log', to: event.from }, { type: 'schedule-finish', afterMs: 0 });
    case 'fenced':
      return move({ ...state, phase: 'fenced' }, { type: 'discard' });
    case 'unknown-too-long':
      return move({ ...state, phase: 'lost' }, { type: 'keep-lost' });
    default:
      // A cancel that comes too late changes nothing: the server decides which of the two it takes.
      return stay(state);
  }
}

/** An offer of work that we have: the server forgot the assignment. The work goes on under the new epoch, once. */
function planReclaim(state: JobState, event: JobEvent): JobPlan | null {
  if (event.type === 'offered' && event.leaseEpoch > state.leaseEpoch && state.ending === 'finish') {
    return move({ ...state, reclaimEpoch: event.leaseEpoch }, { type: 'claim', leaseEpoch: event.leaseEpoch });
  }
  if (state.reclaimEpoch === null) return null;
  if (event.type === 'claim-accepted') {
    return move({ ...state, leaseEpoch: state.reclaimEpoch, reclaimEpoch: null }, { type: 'store-epoch' });
  }
  if (event.type === 'claim-refused' || event.type === 'claim-failed') return stay({ ...state, reclaimEpoch: null });
  return null;
}

function settled(state: JobState, result: RunResultV1): JobPlan {
  if (state.ending === 'fence') return move({ ...state, phase: 'fenced' }, { type: 'discard' });
  if (result.status === 'detached') return stay({ ...state, isReleased: true });
  if (state.ending === 'lose') {
    return move({ ...state, phase: 'lost', result }, { type: 'store-result', result }, { type: 'keep-lost' });
  }
  if (state.ending === 'disconnect' && result.status === 'cancelled') {
    return finish(state, {
      status: 'failed',
      error: {
        code: 'runner_disconnected',
        message: 'The runner stopped the work because it had no contact to the server for longer than lease and grace.',
        retryable: true,
      },
    });
  }
  return finish(state, result);
}

function finish(state: JobState, result: RunResultV1): JobPlan {
  return move({ ...state, phase: 'finishing', result }, { type: 'store-result', result });
}

/** Stops the work; the later, harder reason decides what becomes of the job. */
function endBy(state: JobState, ending: 'fence' | 'lose' | 'disconnect', message: string): JobPlan {
  const rank = { finish: 0, disconnect: 1, lose: 2, fence: 3 } as const;
  if (rank[ending] <= rank[state.ending]) return stay(state);
  const reason: AbortReasonV1 = { kind: 'cancelled', message };
  const next = { ...state, ending, cancel: state.cancel ?? reason };
  return state.cancel === null ? move(next, { type: 'abort', reason }) : stay(next);
}

function cancelledBeforeStart(reason: AbortReasonV1): RunResultV1 {
  return reason.kind === 'timed_out'
    ? { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced: false }
    : { status: 'cancelled', forced: false };
}
