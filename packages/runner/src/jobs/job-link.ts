import type { RunnerJobSpec, RunnerResult } from '@runbeat/protocol';

/** What came of a request about a job; the connection has been told of it already. */
export type JobAnswer<Body> =
  | { readonly kind: 'ok'; readonly status: number; readonly body: Body }
  /** 410: the run ended or is somebody else's. */
  | { readonly kind: 'fenced' }
  /** 404 `run_unknown`, 425 `run_not_attached`: the server does not have it at the moment. */
  | { readonly kind: 'not-now' }
  /** No use in asking the same again at once; `isOurs` = there was no answer because the connection was given up. */
  | { readonly kind: 'failed' };

/** How jobs talk to the server: one try each, under the current session. Made by the connection loop. */
export interface JobLink {
  isConnected(): boolean;
  claim(runId: string, leaseEpoch: number): Promise<JobAnswer<{ readonly job: RunnerJobSpec }>>;
  sendLog(runId: string, leaseEpoch: number, from: number, body: Buffer): Promise<JobAnswer<{ readonly next: number }>>;
  finish(
    runId: string,
    leaseEpoch: number,
    finish: { readonly result: RunnerResult; readonly logBytes: number; readonly chain: string },
  ): Promise<
    JobAnswer<{ readonly resendFrom: number } | { readonly state: 'accepted' | 'pending'; readonly retryAfterMs: number }>
  >;
  /** Ask for a heartbeat now: a lease waits for its first renewal. */
  hurryHeartbeat(): void;
}
