import { z } from 'zod';

const ms = (defaultMs: number, description: string) => z.int().positive().default(defaultMs).describe(description);

/** Every threshold of the supervisor, in milliseconds unless named otherwise. Printed by `runbeat config`. */
export const supervisorSettingsSchema = z.strictObject({
  livenessRefreshThrottleMs: ms(60_000, 'output refreshes the last proof of life at most this often per run'),
  livenessStaleAfterMs: ms(
    300_000,
    'silence after which an out-of-process run is looked at, and no judgement sooner after a server start',
  ),
  livenessUnknownLimitMs: ms(1_800_000, 'how long a probe may answer "unknown" before the run is lost'),
  adapterMissingLimitMs: ms(1_800_000, 'how long a running run waits for its adapter to be registered again'),
  reapIntervalMs: ms(30_000, 'the reaper looks this often'),
  instanceLeaseMs: ms(30_000, 'an instance that did not renew for this long has lost its runs'),
  instanceRenewMs: ms(10_000, 'an instance renews its lease this often'),
  claimIntervalMs: ms(1_000, 'queued runs are looked for at least this often, besides being told'),
  timerIntervalMs: ms(5_000, 'timer wakes are looked for this often'),
  maxConcurrentRuns: z.int().positive().default(200).describe('runs at once in this instance'),
  agentMaxConcurrentRuns: z.int().positive().default(5).describe('runs at once of one agent, unless it says otherwise'),
  priorityAgeingMs: ms(60_000, 'waiting this long is worth one step of priority'),
  silenceWarningAfterMs: ms(3_600_000, 'an attached run that is silent for this long gets a warning event, once'),
  terminateGraceMs: ms(10_000, 'between TERM and KILL where the adapter does not say'),
  shutdownGraceMs: ms(2_000, 'an orderly shutdown ends within this'),
  drainLimitMs: ms(10_000, 'output that may still come after the end is waited for this long'),
  probeConfirmAfterMs: ms(1_000, 'a probe that says "gone" is asked again after this, and believed only then'),
  probeTimeoutMs: ms(15_000, 'a probe must answer within this'),
  transientRetryDelaysMs: z
    .array(z.int().positive())
    .default([30_000, 120_000])
    .describe('delays of the retries of a retryable failure'),
  transientRetryJitter: z.number().min(0).max(1).default(0.2),
  poisonDeathLimit: z.int().positive().default(2).describe('instance deaths during one run before it is given up'),
  reattachDeathLimit: z
    .int()
    .positive()
    .default(20)
    .describe('instance deaths while a run was being reattached, without proof of life in between, before it is given up'),
  logRetryLimitMs: ms(
    600_000,
    'output that cannot be stored (disk full) is kept and tried again this long before it becomes a gap',
  ),
  logFlushMs: ms(50, 'records are gathered this long before they are appended'),
  logFlushBytes: z.int().positive().default(65_536),
  logBufferBytes: z
    .int()
    .positive()
    .default(1_048_576)
    .describe('accepted and not yet stored output per run; beyond it the adapter waits'),
  logLimitBytes: z.int().positive().default(1_073_741_824).describe('log kept per run'),
});

export type SupervisorSettings = z.infer<typeof supervisorSettingsSchema>;
