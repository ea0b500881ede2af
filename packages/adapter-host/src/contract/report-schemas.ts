import type { AbortReasonV1, LogMarkV1, RunEventV1, RunHandleV1, SessionOutputV1, SessionWriteV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';
import { exactObject } from './exact-object.js';
import { jsonValue } from './json-value.js';

/** What adapters report while they work, as schemas. */

export const outputStream = z.enum(['stdout', 'stderr', 'system']);

export const logMark: z.ZodType<LogMarkV1> = exactObject({ cursor: z.string().optional(), at: z.string().optional() });

export const runEvent: z.ZodType<RunEventV1> = exactObject({
  type: z.string().min(1),
  level: z.enum(['info', 'warn', 'error']),
  message: z.string(),
  data: jsonValue.optional(),
});

export const runHandle: z.ZodType<RunHandleV1> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('process'),
    pid: z.number().int().positive(),
    processGroupId: z.number().int().positive().nullable(),
    startedAt: z.string(),
    host: z.string(),
    bootId: z.string(),
    startTicks: z.string().nullable(),
    ref: jsonValue.exactOptional(),
  }),
  z.object({ kind: z.literal('external'), formatVersion: z.number().int(), ref: jsonValue }),
]);

export const sessionOutput: z.ZodType<SessionOutputV1> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('acknowledged'), promptId: z.string() }),
  z.object({ kind: z.literal('update'), promptId: z.string().nullable(), update: jsonValue }),
  z.object({ kind: z.literal('request'), promptId: z.string().nullable(), requestId: z.string(), request: jsonValue }),
  z.object({ kind: z.literal('completed'), promptId: z.string(), result: jsonValue }),
  z.object({ kind: z.literal('failed'), promptId: z.string(), code: z.string(), message: z.string() }),
  z.object({ kind: z.literal('cancelled'), promptId: z.string() }),
  z.object({ kind: z.literal('protocol_error'), message: z.string() }),
  z.object({ kind: z.literal('stderr'), text: z.string() }),
]);

export const sessionWrite: z.ZodType<SessionWriteV1> = z.discriminatedUnion('written', [
  z.object({ written: z.literal(true) }),
  z.object({ written: z.literal(false), reason: z.enum(['stdin_broken', 'write_timeout']), message: z.string() }),
]);

export const abortReason: z.ZodType<AbortReasonV1> = exactObject({
  kind: z.enum(['cancelled', 'timed_out', 'host_shutdown', 'fenced']),
  message: z.string().optional(),
  limitMs: z.number().optional(),
});
