import { z } from 'zod';
import { runSummarySchema } from './heartbeat-run.js';
import { idSchema, timestampSchema } from './identifiers.js';
import { jsonValueSchema } from './json.js';
import { logRecordSchema } from './run-log.js';
import { journalEntrySchema } from './session.js';

/** WebSocket subprotocol that the server speaks. */
export const liveSubprotocol = 'runbeat.v1';
/**
 * A browser cannot set headers on a WebSocket, so that the token may be given as a second subprotocol, with this before
 * it. The server never selects it, so that it is not echoed.
 */
export const liveTokenSubprotocolPrefix = 'runbeat.bearer.';

/** A row of the outbox. `id` rises by one per company, without gaps. `type` is noun + past verb: `run-started`. */
export const liveEventSchema = z
  .object({ id: z.int(), type: z.string(), data: jsonValueSchema, at: timestampSchema })
  .meta({ id: 'LiveEvent' });
export type LiveEvent = z.infer<typeof liveEventSchema>;

/** First message on every connection. `cursor` is the id behind which this connection delivers. */
export const helloMessageSchema = z.object({
  type: z.literal('hello'),
  cursor: z.int(),
  instanceId: z.string(),
  pingIntervalMs: z.int(),
});
/** In order, without gap or double. */
export const eventsMessageSchema = z.object({ type: z.literal('events'), events: z.array(liveEventSchema).min(1) });
/** `after` is older than what is kept (or newer than the database knows): this is how things stand, go on from `cursor`. */
export const resyncMessageSchema = z.object({
  type: z.literal('resync'),
  cursor: z.int(),
  runs: z.array(runSummarySchema),
});
/** Records of a run that this connection subscribed to. */
export const logMessageSchema = z.object({ type: z.literal('log'), runId: idSchema, records: z.array(logRecordSchema).min(1) });
/** No record will follow; the subscription is over. */
export const logCompletedMessageSchema = z.object({ type: z.literal('log-completed'), runId: idSchema, lastSeq: z.int() });
/** Entries of a session that this connection subscribed to, in order, without gap or double. */
export const sessionMessageSchema = z.object({
  type: z.literal('session'),
  sessionId: idSchema,
  entries: z.array(journalEntrySchema).min(1),
});
/** Every ping interval, so that a client that cannot see WebSocket pings knows that the link lives. */
export const pingMessageSchema = z.object({ type: z.literal('ping'), at: timestampSchema });
/** A message of the client was refused, or a subscription ended early. The connection goes on. */
export const errorMessageSchema = z.object({
  type: z.literal('error'),
  code: z.string(),
  message: z.string(),
  runId: idSchema.nullable(),
});

/** What the server sends, as one JSON text per WebSocket frame, or as `data` of an SSE event named after `type`. */
export const serverMessageSchema = z
  .discriminatedUnion('type', [
    helloMessageSchema,
    eventsMessageSchema,
    resyncMessageSchema,
    logMessageSchema,
    logCompletedMessageSchema,
    sessionMessageSchema,
    pingMessageSchema,
    errorMessageSchema,
  ])
  .meta({ id: 'ServerMessage' });
export type ServerMessage = z.infer<typeof serverMessageSchema>;

const afterSeqSchema = z.int().min(0).default(0);

/** What a client may send over a WebSocket. */
export const clientMessageSchema = z.union([
  z.strictObject({ subscribe: z.strictObject({ runId: idSchema, afterSeq: afterSeqSchema }) }),
  z.strictObject({ unsubscribe: z.strictObject({ runId: idSchema }) }),
  z.strictObject({ subscribe: z.strictObject({ sessionId: idSchema, since: afterSeqSchema }) }),
  z.strictObject({ unsubscribe: z.strictObject({ sessionId: idSchema }) }),
]);
export type ClientMessage = z.input<typeof clientMessageSchema>;

/** Query of both event routes. Absent = only what comes from now on. SSE: `Last-Event-ID` wins over it. */
export const liveQuerySchema = z.object({ after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional() });

/**
 * Query of the WebSocket. `events=false`: nothing but what it subscribes to, besides `hello` and `ping`.
 */
export const liveSocketQuerySchema = liveQuerySchema.extend({ events: z.stringbool().default(true) });

/** WebSocket close codes that the server uses beside the standard ones. */
export const liveCloseCodes = {
  goingAway: 1001,
  policyViolation: 1008,
  messageTooBig: 1009,
  tooSlow: 1013,
  accessEnded: 4001,
} as const;
