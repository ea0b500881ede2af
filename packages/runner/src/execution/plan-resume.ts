import type { LivenessV1, RunHandleV1 } from '@runbeat/adapter-sdk';

/** A job that an earlier process of this runner had, as far as the disk and the adapter tell. */
export interface ResumeFacts {
  /** How many processes of this runner began it; 0 = none. */
  readonly starts: number;
  readonly handle: RunHandleV1 | null;
  /** Null = the adapter is not installed (any more). */
  readonly liveness: 'attached' | 'handle' | 'log-driven' | null;
  /** Null = not asked yet. */
  readonly probe: LivenessV1['state'] | null;
  /** `gone` must be said twice before it is believed. */
  readonly goneCount: number;
}

export type ResumePlan =
  /** Nothing was started: execute it. */
  | 'execute'
  | 'probe'
  /** Ask again in a while. */
  | 'wait'
  | 'reattach'
  /** Its process died before the work had a handle: end what may be left of it, then execute it. */
  | 'terminate-and-execute'
  /** End what may be left of it, then fail it as lost. */
  | 'terminate-and-lose'
  | 'lose'
  /** Keep it until the adapter is installed again; it may be working. */
  | 'adapter-missing';

/** As the server does: a run that was being started at two deaths of its host is not tried again. */
const START_LIMIT = 2;

/** What to do with a job that was found on disk. Work that announced its handle is never begun again. */
export function planResume(facts: ResumeFacts): ResumePlan {
  if (facts.liveness === null) return 'adapter-missing';
  if (facts.starts === 0) return 'execute';
  if (facts.liveness !== 'handle') return 'terminate-and-lose';
  if (facts.handle === null) return facts.starts < START_LIMIT ? 'terminate-and-execute' : 'terminate-and-lose';
  switch (facts.probe) {
    case null:
      return 'probe';
    case 'alive':
    case 'ended':
      return 'reattach';
    case 'gone':
      return facts.goneCount >= 2 ? 'lose' : 'wait';
    case 'unknown':
      return 'wait';
  }
}
