import { randomUUID } from 'node:crypto';
import {
  type RunnerAdapter,
  type RunnerClientHealth,
  type RunnerJobReport,
  type RunnerRegistration,
  type RunnerResult,
  type RunnerSessionOpen,
  runnerClaimedSchema,
  runnerFinishedSchema,
  runnerHeartbeatAnswerSchema,
  runnerLeaseEpochHeader,
  runnerLogContentType,
  runnerLogPositionSchema,
  runnerPolledSchema,
  runnerProtocolVersion,
  runnerRegisteredSchema,
  runnerResendSchema,
  runnerSessionHeader,
  runnerSessionOpenedSchema,
} from '@runbeat/protocol';
import type { z } from 'zod';
import type { RunnerTransport, TransportAnswer } from '../transport/runner-transport.js';

type Answer<Schema extends z.ZodType> = Promise<TransportAnswer<z.infer<Schema>>>;

interface CallOptions {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

/** The calls of the runner protocol, one request each. */
export interface RunnerCalls {
  /** With the registration token; everything else is called with the runner's own. */
  register(registrationToken: string, body: RunnerRegistration, options: CallOptions): Answer<typeof runnerRegisteredSchema>;
  openSession(runnerId: string, body: RunnerSessionOpen, options: CallOptions): Answer<typeof runnerSessionOpenedSchema>;
  poll(
    runnerId: string,
    body: { readonly sessionId: string; readonly cursor: number; readonly waitMs: number; readonly freeSlots: number },
    options: CallOptions,
  ): Answer<typeof runnerPolledSchema>;
  heartbeat(
    runnerId: string,
    body: {
      readonly sessionId: string;
      readonly jobs: readonly RunnerJobReport[];
      readonly client: RunnerClientHealth;
      readonly adapters: readonly RunnerAdapter[];
    },
    options: CallOptions,
  ): Answer<typeof runnerHeartbeatAnswerSchema>;
  claim(runnerId: string, job: JobAddress, options: CallOptions): Answer<typeof runnerClaimedSchema>;
  sendLog(
    runnerId: string,
    job: JobAddress,
    range: { readonly from: number; readonly body: Buffer },
    options: CallOptions,
  ): Answer<typeof runnerLogPositionSchema>;
  finish(
    runnerId: string,
    job: JobAddress,
    body: { readonly result: RunnerResult; readonly logBytes: number; readonly chain: string },
    options: CallOptions,
  ): Answer<typeof runnerFinishedSchema | typeof runnerResendSchema>;
}

export interface JobAddress {
  readonly runId: string;
  readonly sessionId: string;
  readonly leaseEpoch: number;
}

export function createRunnerCalls(transport: RunnerTransport, token: string): RunnerCalls {
  const base = (runnerId: string): string => `/api/runners/${runnerId}/${runnerProtocolVersion}`;
  return {
    register: (registrationToken, body, options) =>
      transport.request({
        method: 'POST',
        path: '/api/runners',
        token: registrationToken,
        body,
        answers: { 200: runnerRegisteredSchema, 201: runnerRegisteredSchema },
        ...options,
      }),
    openSession: (runnerId, body, options) =>
      transport.request({
        method: 'POST',
        path: `${base(runnerId)}/sessions`,
        token,
        body,
        answers: { 200: runnerSessionOpenedSchema },
        ...options,
      }),
    poll: (runnerId, body, options) =>
      transport.request({
        method: 'POST',
        path: `${base(runnerId)}/poll`,
        token,
        body,
        answers: { 200: runnerPolledSchema },
        ...options,
      }),
    heartbeat: (runnerId, body, options) =>
      transport.request({
        method: 'POST',
        path: `${base(runnerId)}/heartbeat`,
        token,
        body,
        answers: { 200: runnerHeartbeatAnswerSchema },
        ...options,
      }),
    claim: (runnerId, { runId, sessionId, leaseEpoch }, options) =>
      transport.request({
        method: 'POST',
        path: `${base(runnerId)}/jobs/${runId}/claim`,
        token,
        body: { sessionId, leaseEpoch, idempotencyKey: randomUUID() },
        answers: { 200: runnerClaimedSchema },
        ...options,
      }),
    sendLog: (runnerId, { runId, sessionId, leaseEpoch }, range, options) =>
      transport.request({
        method: 'PATCH',
        path: `${base(runnerId)}/jobs/${runId}/log`,
        token,
        headers: {
          'content-type': runnerLogContentType,
          'content-range': `bytes ${range.from}-${range.from + range.body.length - 1}/*`,
          [runnerSessionHeader]: sessionId,
          [runnerLeaseEpochHeader]: String(leaseEpoch),
        },
        body: range.body,
        answers: { 202: runnerLogPositionSchema, 416: runnerLogPositionSchema },
        ...options,
      }),
    finish: (runnerId, { runId, sessionId, leaseEpoch }, body, options) =>
      transport.request({
        method: 'POST',
        path: `${base(runnerId)}/jobs/${runId}/finish`,
        token,
        // The same key for every try of one finish: it names the result, not the request.
        body: { sessionId, leaseEpoch, idempotencyKey: `${leaseEpoch}:${body.logBytes}:${body.chain}`, ...body },
        answers: { 200: runnerFinishedSchema, 202: runnerFinishedSchema, 412: runnerResendSchema },
        ...options,
      }),
  };
}
