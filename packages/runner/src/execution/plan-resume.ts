import type { LivenessV1, RunHandleV1 } from '@runbeat/adapter-sdk';

/** A job that an earlier process of this runner had, as far as the disk and the adapter tell. */
export interface ResumeFacts {
  readonly hasStarted: boolean;
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
  /** End what may be left of it, then fail it as lost. */
  | 'terminate-and-lose'
  | 'lose'
  /** Keep it until the adapter is installed again; it may be working. */
  | 'adapter-missing';

/** What to do with a job that was found on disk. Work that may have begun is never begun again. */
export function planResume(facts: ResumeFacts): ResumePlan {
  if (facts.liveness === null) return 'adapter-missing';
  if (!facts.hasStarted) return 'execute';
  if (facts.liveness !== 'handle' || facts.handle === null) return 'terminate-and-lose';
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
