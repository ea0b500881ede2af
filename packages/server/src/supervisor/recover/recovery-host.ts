import type { ActiveRuns } from '../execute/active-runs.js';
import type { Assignment } from '../execute/execution-host.js';
import type { RunId } from '../model/index.js';
import type { InstanceLease } from '../ownership/instance-lease.js';
import type { SettleAnswer } from '../settle/settle-run.js';

/** What came of looking at a suspect. `settled`: it is closed now. */
export type RecoveryOutcome = 'kept' | 'followed' | 'settled' | 'stale';

export interface RecoveryHost {
  readonly lease: InstanceLease;
  readonly activeRuns: ActiveRuns;
  /** Instances whose lease is valid, without this one. */
  readonly livingInstanceIds: ReadonlySet<string>;
  readonly isWarm: () => boolean;
  readonly begin: (assignment: Assignment) => void;
  readonly onSettled: (answer: SettleAnswer) => void;
  /** Runs that this instance owns without following them; looked at with every sweep. */
  readonly unfollowed: Set<RunId>;
  /** Runs that are being looked at now: between adoption and execution a run looks like nobody's. */
  readonly inRecovery: Set<RunId>;
}
