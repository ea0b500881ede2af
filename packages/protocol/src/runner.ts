import { z } from 'zod';
import { adapterTypeSchema } from './agent.js';
import { idSchema, timestampSchema } from './identifiers.js';
import { jsonValueSchema } from './json.js';
import { runnerSessionCommandSchema, runnerSessionProgressSchema } from './runner-session.js';
import { shortText } from './text.js';

/** Part of the path of every call below, `/api/runners/:id/v1/…`; another version is answered with 426. */
export const runnerProtocolVersion = 'v1';

/** Headers of `PATCH …/jobs/:runId/log`, whose body is the log itself. */
export const runnerSessionHeader = 'runbeat-session';
export const runnerLeaseEpochHeader = 'runbeat-lease-epoch';

export const runnerLogContentType = 'application/x-ndjson';
/** Largest body of one `PATCH …/log`. */
export const runnerLogLimitBytes = 1_048_576;
/** Longest a poll may be held. */
export const runnerPollWaitLimitMs = 25_000;

export const runnerLabelSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/)
  .meta({ description: 'Letters, digits, dot, dash and underscore; agents name a label as their place of execution.' });

/**
 * A runner makes its own token (256 random bits) and keeps it before it registers, so that a lost answer to the
 * registration costs nothing: the same token is the same runner. The server stores its SHA-256 only.
 */
export const runnerTokenSchema = z.string().regex(/^rbr_[A-Za-z0-9_-]{43}$/);

export const runnerAdapterSchema = z.object({
  type: adapterTypeSchema,
  version: z.string().max(100).nullable(),
  interactive: z
    .enum(['json-rpc-lines', 'acp'])
    .nullable()
    .default(null)
    .meta({ description: 'The protocol of its sessions; null = it takes single runs only.' }),
});
export type RunnerAdapter = z.infer<typeof runnerAdapterSchema>;

/** What a runner is and can do; told at registration and anew with each session. */
const runnerProfile = {
  name: shortText(),
  labels: z.array(runnerLabelSchema).max(32),
  adapters: z.array(runnerAdapterSchema).max(200),
  slots: z.int().min(1).max(10_000).meta({ description: 'Runs at once.' }),
  version: z.string().max(100),
};

export const runnerRegistrationSchema = z.strictObject({ token: runnerTokenSchema, ...runnerProfile });
export type RunnerRegistration = z.infer<typeof runnerRegistrationSchema>;
export const runnerRegisteredSchema = z.object({ id: idSchema });

export const runnerUpdateSchema = z.strictObject({ adminStatus: z.enum(['enabled', 'disabled']) });

export const runnerJobPhases = ['offered', 'claiming', 'leased', 'running', 'finishing', 'done', 'fenced', 'lost'] as const;
export type RunnerJobPhase = (typeof runnerJobPhases)[number];

/** A job as its runner sees it. `aliveAt` = the adapter's last proof of life on the runner's clock. */
export const runnerJobReportSchema = z.object({
  runId: idSchema,
  leaseEpoch: z.int(),
  phase: z.enum(runnerJobPhases),
  logEnd: z.int().min(0),
  aliveAt: timestampSchema.nullable(),
  /** Null for a run. */
  session: runnerSessionProgressSchema.nullable().default(null),
});
export type RunnerJobReport = z.infer<typeof runnerJobReportSchema>;

const runnerAbortSchema = z.object({
  kind: z.enum(['cancelled', 'timed_out']),
  message: z.string().nullable(),
  limitMs: z.number().nullable(),
  /** How long a session's worker gets to end by itself; null = the runner's own. */
  graceMs: z.number().nullable().default(null),
});
export type RunnerAbort = z.infer<typeof runnerAbortSchema>;

/**
 * - `keep`: go on. `cancel`: stop the work, then finish with its result.
 * - `fenced`: the run ended or went elsewhere; stop the work and drop the job.
 * - `unknown`: this server has no such run (emptied, rewound, a wrong database). Go on until the grace is over.
 */
export const runnerVerdictSchema = z.object({
  runId: idSchema,
  verdict: z.enum(['keep', 'cancel', 'fenced', 'unknown']),
  /** Go on with the log from here; null = go on where you are. */
  logOffset: z.int().nullable(),
  cancel: runnerAbortSchema.nullable(),
});
export type RunnerVerdict = z.infer<typeof runnerVerdictSchema>;

export const runnerSessionOpenSchema = z.strictObject({
  ...runnerProfile,
  /** Lives in the runner's home folder: two homes with one token are two machines. */
  homeId: idSchema,
  /** New with each start of the runner's process. */
  instanceId: idSchema,
  bootId: z.string().max(100),
  /** False after this process was superseded: then it gets in only when the other's lease is over. */
  isTakeover: z.boolean(),
  jobs: z.array(runnerJobReportSchema).max(10_000),
});
export type RunnerSessionOpen = z.infer<typeof runnerSessionOpenSchema>;

export const runnerSessionOpenedSchema = z.object({
  sessionId: idSchema,
  serverIncarnation: idSchema,
  pollWaitMs: z.int().min(1),
  heartbeatMs: z.int().min(1),
  leaseMs: z.int().min(1),
  disconnectGraceMs: z.int().min(0),
  jobs: z.array(runnerVerdictSchema),
});
export type RunnerSessionOpened = z.infer<typeof runnerSessionOpenedSchema>;

/** Answer of a heartbeat: a verdict for each job that was reported. */
export const runnerHeartbeatAnswerSchema = z.object({ jobs: z.array(runnerVerdictSchema), serverIncarnation: idSchema });

export const runnerPollSchema = z.strictObject({
  sessionId: idSchema,
  cursor: z.int().min(0),
  waitMs: z.int().min(0).max(runnerPollWaitLimitMs),
  freeSlots: z.int().min(0),
});

/** Repeated until the job's reported state acknowledges them. */
export const runnerMessageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('offer'), runId: idSchema, leaseEpoch: z.int(), adapterType: z.string() }),
  z.object({ kind: z.literal('cancel'), runId: idSchema, leaseEpoch: z.int(), reason: runnerAbortSchema }),
  /** For a session's worker. Commands that were begun already are skipped by their number. */
  z.object({
    kind: z.literal('stdin'),
    runId: idSchema,
    leaseEpoch: z.int(),
    commands: z.array(runnerSessionCommandSchema),
  }),
]);
export type RunnerMessage = z.infer<typeof runnerMessageSchema>;

export const runnerPolledSchema = z.object({
  messages: z.array(runnerMessageSchema),
  cursor: z.int().min(0),
  serverIncarnation: idSchema,
});

export const runnerJobParamsSchema = z.object({ id: idSchema, runId: idSchema });
const writeGuard = { sessionId: idSchema, leaseEpoch: z.int(), idempotencyKey: z.string().min(1).max(200) };

export const runnerClaimSchema = z.strictObject(writeGuard);

/** Everything that the runner needs to execute a run. Holds resolved secrets: never log it. */
export const runnerJobSpecSchema = z.object({
  runId: idSchema,
  attempt: z.int(),
  adapterType: z.string(),
  config: jsonValueSchema,
  agent: z.object({ id: z.string(), companyId: z.string(), name: z.string(), role: z.string() }),
  input: z.object({
    prompt: z.string().nullable(),
    reason: z.string().nullable(),
    source: z.string(),
    payload: jsonValueSchema,
    issue: z.object({ id: z.string(), title: z.string(), description: z.string().nullable(), status: z.string() }).nullable(),
    taskKey: z.string().nullable(),
  }),
  previousSession: jsonValueSchema,
  environment: z.record(z.string(), z.string()),
  /** The session whose worker the job is; null = the job is a run. */
  session: z.object({ id: z.string() }).nullable().default(null),
});
export type RunnerJobSpec = z.infer<typeof runnerJobSpecSchema>;
export const runnerClaimedSchema = z.object({ job: runnerJobSpecSchema });

/** Where the server's copy of a log ends. */
export const runnerLogPositionSchema = z.object({ next: z.int().min(0) });

/** 412: the log must be complete first, from here. */
export const runnerResendSchema = z.object({ resendFrom: z.int().min(0) });
export const runnerFinishedSchema = z.object({
  state: z.enum(['accepted', 'pending']),
  retryAfterMs: z.int().min(0),
});
export const runnerWriteGuardSchema = z.object(writeGuard);
