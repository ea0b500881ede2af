import { z } from 'zod';
import { jsonValue } from '../contract/json-value.js';
import { abortReason, logMark, outputStream, runEvent, runHandle, sessionOutput } from '../contract/report-schemas.js';
import { workerExit } from '../contract/result-schemas.js';
import { wireError } from './wire-error.js';

/**
 * The messages between host and worker. Both sides check what they receive: the host since the worker runs somebody
 * else's code, the worker so that a mistake of ours is found at the border and not deep inside an adapter.
 *
 * A *call* is one method of the contract; it has an id, is settled once, may be aborted, and may *report* (log, event,
 * handle …). Reports are numbered per call and acknowledged up to a number, which is the back-pressure.
 */

export const callMethods = [
  'validate',
  'execute',
  'test-environment',
  'probe',
  'reattach',
  'terminate',
  'session-open',
  'session-reattach',
  'session-prompt',
  'session-cancel',
  'session-answer',
  'session-stop',
] as const;
export type CallMethod = (typeof callMethods)[number];

/** Why a signal aborted: the contract's reason, or any other error in words. */
export const wireAbort = z.union([
  z.object({ contract: abortReason }),
  z.object({ other: z.object({ name: z.string(), message: z.string() }) }),
]);
export type WireAbort = z.infer<typeof wireAbort>;

export const reportEntry = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('log'), stream: outputStream, text: z.string(), mark: logMark.optional() }),
  z.object({ kind: z.literal('alive') }),
  z.object({ kind: z.literal('event'), event: runEvent }),
  z.object({ kind: z.literal('spawn'), handle: runHandle }),
  z.object({ kind: z.literal('output'), output: sessionOutput, mark: logMark.optional(), resumeState: jsonValue.optional() }),
]);
export type ReportEntry = z.infer<typeof reportEntry>;

const callId = z.number().int();

export const hostMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('call'),
    callId,
    method: z.enum(callMethods),
    /** The data members of the context; functions and the signal are made anew in the worker. */
    params: z.record(z.string(), z.unknown()),
    abort: wireAbort.nullable(),
  }),
  z.object({ type: z.literal('abort'), callId, reason: wireAbort }),
  /** Reports up to and including this number were handed on; `error` is what the last one failed with. */
  z.object({ type: z.literal('acknowledge'), callId, upTo: z.number().int(), error: wireError.nullable() }),
  z.object({ type: z.literal('ping'), sequence: z.number().int() }),
]);
export type HostMessage = z.infer<typeof hostMessage>;

export const adapterDescription = z.object({
  type: z.string(),
  maxConcurrentRuns: z.number().int().nullable(),
  liveness: z.enum(['attached', 'handle', 'log-driven']),
  canTestEnvironment: z.boolean(),
  interactive: z.object({ protocol: z.enum(['json-rpc-lines', 'acp']), canReattach: z.boolean() }).nullable(),
  configJsonSchema: jsonValue,
});
/** What the host must know of an adapter to stand in for it. */
export type AdapterDescription = z.infer<typeof adapterDescription>;

export const workerMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('loaded'), description: adapterDescription }),
  z.object({ type: z.literal('load-failed'), error: wireError }),
  z.object({ type: z.literal('report'), callId, first: z.number().int(), entries: z.array(reportEntry).min(1) }),
  z.object({
    type: z.literal('settled'),
    callId,
    outcome: z.union([z.object({ value: z.unknown() }), z.object({ error: wireError })]),
  }),
  z.object({ type: z.literal('session-exited'), callId, exit: workerExit }),
  /** `externalBytes`: memory outside the heap (buffers), which no limit of the engine covers. */
  z.object({ type: z.literal('pong'), sequence: z.number().int(), externalBytes: z.number() }),
  z.object({ type: z.literal('output'), stream: z.enum(['stdout', 'stderr']), text: z.string() }),
]);
export type WorkerMessage = z.infer<typeof workerMessage>;
