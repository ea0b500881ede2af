import type { ProcessHandleV1, RunSinksV1 } from '@runbeat/adapter-sdk';
import type { WorkTree } from '@runbeat/adapter-sdk/processes';
import type { RunFolder } from '../capsule/run-folder.js';
import type { Spool } from '../spool/open-spool.js';
import type { Wake } from '../spool/wake.js';
import type { ProcessSpec } from './process-spec.js';

/** A run whose capsule exists, started by this host or by an earlier one. */
export interface SupervisedRun {
  readonly runId: string;
  readonly folder: RunFolder;
  readonly handle: ProcessHandleV1;
  readonly spec: ProcessSpec;
  readonly sinks: RunSinksV1;
  readonly signal: AbortSignal;
  /** The output, open where it goes on; closed by `superviseRun`. */
  readonly spool: Spool;
  /** Watches the run's folder; closed by `superviseRun`. */
  readonly wake: Wake;
  /** How the capsule ended, where this host started it; absent = it has to be asked for. */
  readonly capsuleExited?: Promise<{ readonly signal: string | null }>;
}

/** All processes of a run. */
export function workTree(run: Pick<SupervisedRun, 'handle' | 'runId'>): WorkTree {
  return { leader: run.handle, groupId: run.handle.processGroupId, runId: run.runId, scope: 'run' };
}
