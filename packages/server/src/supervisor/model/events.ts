import type { Json } from '@runbeat/adapter-sdk';
import type { CompanyId, RunId } from './ids.js';

/** A line of a run's timeline (`heartbeat_run_events`); `seq` rises by one per run and is given by the store. */
export interface NewRunEvent {
  readonly type: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly message: string;
  readonly data?: Json;
  readonly at: Date;
}

export interface RunEvent extends NewRunEvent {
  readonly runId: RunId;
  readonly seq: number;
}

/** A row of the outbox, written in the transaction that changes the state. `type` is noun + past verb: `run-started`. */
export interface NewLiveEvent {
  readonly companyId: CompanyId;
  readonly type: string;
  readonly data: Json;
  readonly at: Date;
}

export interface LiveEvent extends NewLiveEvent {
  /** Rises by one per company, given after the commit (docs/decisions). */
  readonly id: number;
}
