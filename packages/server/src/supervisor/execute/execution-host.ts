import type { AdapterV1, Json } from '@runbeat/adapter-sdk';
import type { LivenessRefresher } from '../liveness/liveness-refresher.js';
import type { BackgroundWork } from '../loops/background-work.js';
import type { Agent, Issue, Run } from '../model/index.js';
import type { SettleDesk } from '../settle/settle-desk.js';

/** What executions share with the rest of the supervisor. */
export interface ExecutionHost {
  readonly isLeaseHeld: () => boolean;
  readonly liveness: LivenessRefresher;
  readonly background: BackgroundWork;
  readonly settleDesk: SettleDesk;
  /** Aborts when the supervisor stops waiting for the database. */
  readonly stopSignal: AbortSignal;
}

/** One run to execute or to take over, with all that has to be known of it. `run` is running, and ours by its epoch. */
export interface Assignment {
  readonly run: Run;
  readonly agent: Agent;
  readonly issue: Issue | null;
  readonly adapter: AdapterV1;
  readonly previousSession: Json;
  readonly mode: 'execute' | 'reattach';
  /** The work is over and only its last output is to be fetched: no limit may cut that off. */
  readonly hasEnded: boolean;
}
