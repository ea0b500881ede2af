import { z } from 'zod';
import { idSchema, timestampSchema } from './identifiers.js';
import { runnerAdapterSchema, runnerJobReportSchema, runnerSessionOpenSchema } from './runner.js';

export const runnerClientStatuses = ['stopped', 'registering', 'streaming', 'reconnecting', 'rejected', 'draining'] as const;
export type RunnerClientStatus = (typeof runnerClientStatuses)[number];

/** Why something that is installed on a runner cannot be used there at the moment. */
const runnerAdapterIssueSchema = z.object({
  /** The package; null = the runner's list of what is installed cannot be read. */
  package: z.object({ name: z.string(), version: z.string(), adapterType: z.string() }).nullable(),
  code: z.string(),
  message: z.string(),
});
export type RunnerAdapterIssue = z.infer<typeof runnerAdapterIssueSchema>;

/** A runner's own account of its connection. Pushed with every heartbeat, served locally, never believed without its age. */
export const runnerClientHealthSchema = z.object({
  status: z.enum(runnerClientStatuses),
  streamConnected: z.boolean(),
  streamConnectedSince: timestampSchema.nullable(),
  reconnectCount: z.int(),
  reconnectsLast10m: z.int(),
  consecutiveFailures: z.int(),
  nextRetryAt: timestampSchema.nullable(),
  lastPollOkAt: timestampSchema.nullable(),
  serverContactAgeMs: z.number().nullable(),
  lastHeartbeatAt: timestampSchema.nullable(),
  lastHeartbeatOk: z.boolean().nullable(),
  lastError: z.string().nullable(),
  lastErrorAt: timestampSchema.nullable(),
  lastClaimAt: timestampSchema.nullable(),
  lastClaimResult: z.string().nullable(),
  outboxDepth: z.int(),
  spoolBytesUnacked: z.int(),
  /** Why output waits: the disk is full; null = it does not. */
  spoolBlockedReason: z.string().nullable(),
  /** Installed adapters that it does not offer because they do not work. */
  adapterIssues: z.array(runnerAdapterIssueSchema).max(200).default([]),
});
export type RunnerClientHealth = z.infer<typeof runnerClientHealthSchema>;

export const runnerLivenessStatuses = ['never_seen', 'online', 'stale', 'expired'] as const;

export const runnerHealthSchema = z
  .object({
    runner: z.object({
      id: idSchema,
      name: z.string(),
      labels: z.array(z.string()),
      slots: z.int(),
      version: z.string().nullable(),
      adapters: z.array(runnerAdapterSchema),
      adminStatus: z.enum(['enabled', 'disabled']),
      livenessStatus: z.enum(runnerLivenessStatuses),
      leaseRemainingMs: z.number().nullable(),
      lastSeenAt: timestampSchema.nullable(),
      /** Milliseconds since the last poll arrived or was answered, as the reader sees it; null = none. */
      pollAgeMs: z.number().nullable(),
    }),
    client: runnerClientHealthSchema.nullable(),
    jobs: z.array(runnerJobReportSchema),
    health: z.object({
      status: z.enum(['healthy', 'degraded', 'unhealthy']),
      issues: z.array(z.object({ code: z.string(), message: z.string() })),
    }),
  })
  .meta({ id: 'RunnerHealth' });
export type RunnerHealth = z.infer<typeof runnerHealthSchema>;

export const runnerListSchema = z.object({ items: z.array(runnerHealthSchema) });

/** Body of `POST …/heartbeat`. */
export const runnerHeartbeatSchema = z.strictObject({
  sessionId: idSchema,
  jobs: runnerSessionOpenSchema.shape.jobs,
  client: runnerClientHealthSchema,
  /** What can run there now, so that a change is told at once; absent = as its session told. */
  adapters: runnerSessionOpenSchema.shape.adapters.optional(),
});

/** What the reader of a health document knows, with ages on the reader's own clock. */
export interface RunnerHealthFacts {
  readonly adminStatus: 'enabled' | 'disabled';
  /** Null = never seen. */
  readonly lastSeenAgeMs: number | null;
  /** Null = no lease is held or known. */
  readonly leaseRemainingMs: number | null;
  /** Since the last poll arrived or was answered; null = none since the session began. */
  readonly pollAgeMs: number | null;
  readonly pollWaitMs: number;
  readonly pollGraceMs: number;
  readonly client: RunnerClientHealth | null;
}

export interface DerivedRunnerHealth {
  readonly livenessStatus: RunnerHealth['runner']['livenessStatus'];
  readonly health: RunnerHealth['health'];
}

/** The verdict on a runner, from ages: a link that died without telling cannot look healthy. Used by server and runner. */
export function deriveRunnerHealth(facts: RunnerHealthFacts): DerivedRunnerHealth {
  const unhealthy: { code: string; message: string }[] = [];
  const degraded: { code: string; message: string }[] = [];
  const isExpired = facts.lastSeenAgeMs !== null && (facts.leaseRemainingMs === null || facts.leaseRemainingMs <= 0);
  const isPollOverdue =
    facts.lastSeenAgeMs !== null && (facts.pollAgeMs === null || facts.pollAgeMs > facts.pollWaitMs + facts.pollGraceMs);
  if (facts.adminStatus === 'disabled') {
    unhealthy.push({ code: 'disabled', message: 'An operator disabled this runner; it gets no new work.' });
  }
  if (isExpired) {
    unhealthy.push({ code: 'lease_expired', message: 'No heartbeat has arrived within the lease; its runs are detached.' });
  }
  if (facts.lastSeenAgeMs === null) {
    degraded.push({ code: 'never_seen', message: 'It registered and has not connected yet.' });
  }
  const { client } = facts;
  if (isPollOverdue) {
    degraded.push({ code: 'poll_overdue', message: 'No poll has arrived within its wait and 10 s; the stream is down.' });
  }
  if (client !== null && !client.streamConnected) {
    degraded.push({
      code: 'stream_down',
      message: `The runner is ${client.status}${client.lastError === null ? '' : `: ${client.lastError}`}.`,
    });
  }
  if (client?.lastHeartbeatOk === false) {
    degraded.push({ code: 'heartbeat_failed', message: `The last heartbeat failed: ${client.lastError ?? 'no reason known'}.` });
  }
  if (client !== null && client.reconnectsLast10m > 5) {
    degraded.push({ code: 'flapping', message: `It reconnected ${client.reconnectsLast10m} times within 10 minutes.` });
  }
  if (client !== null && client.spoolBlockedReason !== null) {
    degraded.push({ code: 'spool_blocked', message: client.spoolBlockedReason });
  }
  for (const issue of client?.adapterIssues ?? []) {
    degraded.push({ code: 'adapter_unusable', message: adapterIssueMessage(issue) });
  }
  return {
    livenessStatus: facts.lastSeenAgeMs === null ? 'never_seen' : isExpired ? 'expired' : isPollOverdue ? 'stale' : 'online',
    health: {
      status: unhealthy.length > 0 ? 'unhealthy' : degraded.length > 0 ? 'degraded' : 'healthy',
      issues: [...unhealthy, ...degraded],
    },
  };
}

function adapterIssueMessage({ package: ofPackage, code, message }: RunnerAdapterIssue): string {
  if (ofPackage === null) return `${message} [${code}]`;
  const { name, version, adapterType } = ofPackage;
  const remedy = `Install another version (\`runbeat runner adapters install\`) or remove it (\`runbeat runner adapters remove ${adapterType}\`) there.`;
  return `The runner cannot use its adapter ${adapterType} (${name}@${version}): ${message} [${code}] ${remedy}`;
}
