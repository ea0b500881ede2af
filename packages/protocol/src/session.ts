import { z } from 'zod';
import { idSchema, timestampSchema } from './identifiers.js';
import { jsonValueSchema } from './json.js';
import { pageOf } from './page.js';
import { longText } from './text.js';

export const sessionStates = [
  'stopped',
  'starting',
  'idle',
  'busy',
  'cancelling',
  'restarting',
  'stopping',
  'error',
  'crashed',
] as const;
export type SessionState = (typeof sessionStates)[number];

export const sessionReasons = [
  'start',
  'prompt',
  'prompt_complete',
  'prompt_error',
  'cancelled',
  'cancel_timeout',
  'process_exit',
  'process_signal',
  'oom',
  'stdin_broken',
  'write_timeout',
  'protocol_error',
  'start_failed',
  'stop',
  'restart',
] as const;
export type SessionReason = (typeof sessionReasons)[number];

export const promptStates = ['accepted', 'written', 'acknowledged', 'completed', 'failed', 'cancelled', 'lost'] as const;
export type PromptState = (typeof promptStates)[number];

/** Chosen by the client; the same id again gives the same outcome, once. */
export const promptIdSchema = z.string().regex(/^[A-Za-z0-9._:-]{1,100}$/, '1 to 100 letters, digits or . _ : -');

/** One message to the agent and what became of it. */
export const sessionPromptSchema = z
  .object({
    id: z.string(),
    state: z.enum(promptStates),
    code: z.string().nullable().meta({ description: 'Why it failed or was lost.' }),
    message: z.string().nullable(),
    result: jsonValueSchema.meta({
      description: 'What the agent answered as the result of the prompt; null until it completed.',
    }),
    acceptedAt: timestampSchema,
    settledAt: timestampSchema.nullable(),
  })
  .meta({ id: 'SessionPrompt' });
export type SessionPrompt = z.infer<typeof sessionPromptSchema>;

/** Where a session stands; the status message of every change has the same members. */
export const sessionStatusSchema = z.object({
  state: z.enum(sessionStates),
  reason: z.enum(sessionReasons),
  detail: z.string().nullable(),
  seq: z.int().meta({ description: 'Of the journal entry that told of it.' }),
  workerId: idSchema.nullable(),
  updatedAt: timestampSchema,
});
export type SessionStatus = z.infer<typeof sessionStatusSchema>;

/** A conversation with a process that stays up. */
export const sessionSchema = z
  .object({
    id: idSchema,
    companyId: idSchema,
    agentId: idSchema,
    adapterType: z.string(),
    status: sessionStatusSchema,
    headSeq: z.int(),
    promptInFlight: z.string().nullable(),
    openRequests: z.array(
      z.object({ requestId: z.string(), promptId: z.string().nullable(), request: jsonValueSchema, seq: z.int() }),
    ),
    processPid: z.int().nullable(),
    createdAt: timestampSchema,
    endedAt: timestampSchema.nullable(),
  })
  .meta({ id: 'Session' });
export type Session = z.infer<typeof sessionSchema>;
export const sessionPageSchema = pageOf(sessionSchema);

export const sessionCreateSchema = z
  .strictObject({
    isStarted: z.boolean().default(true).meta({ description: 'false = start the worker with the first message.' }),
  })
  .default({ isStarted: true });

export const sessionPromptMessageSchema = z.strictObject({
  id: promptIdSchema,
  prompt: jsonValueSchema.meta({ description: 'Text, or what the protocol of the adapter takes.' }),
  wait: z
    .enum(['acknowledged', 'settled'])
    .default('acknowledged')
    .meta({ description: 'Answer when the agent took the prompt up, or when it is settled. A write alone proves nothing.' }),
});
export type SessionMessage = z.input<typeof sessionPromptMessageSchema>;

export const sessionCancelSchema = z.strictObject({ promptId: promptIdSchema.optional() }).default({});
export const sessionAnswerSchema = z.strictObject({ requestId: z.string().min(1).max(200), answer: jsonValueSchema });
export const sessionStopQuerySchema = z.object({ reason: longText(1_000).optional() });

export const journalKinds = [
  'input',
  'acknowledged',
  'output',
  'request',
  'answer',
  'settled',
  'status',
  'exit',
  'stderr',
  'protocol_error',
  'cancel',
] as const;
export type JournalKind = (typeof journalKinds)[number];

/** One entry of a session's journal: history and live feed in one order. */
export const journalEntrySchema = z
  .object({
    seq: z.int(),
    at: timestampSchema,
    kind: z.enum(journalKinds),
    workerId: idSchema.nullable(),
    promptId: z.string().nullable(),
    data: jsonValueSchema,
  })
  .meta({ id: 'JournalEntry' });
export type JournalEntry = z.infer<typeof journalEntrySchema>;

export const journalQuerySchema = z.object({
  since: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).meta({ description: 'Entries behind this seq.' }),
  limit: z.coerce.number().int().min(1).max(1_000).default(200),
});
export const journalPageSchema = z.object({ entries: z.array(journalEntrySchema), headSeq: z.int() });
