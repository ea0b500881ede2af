import { z } from 'zod';

const ms = (defaultMs: number, description: string) => z.int().positive().default(defaultMs).describe(description);

/** Thresholds of the runner. Poll wait, heartbeat, lease and grace are the server's and come with each session. */
export const runnerClientSettingsSchema = z.strictObject({
  requestGraceMs: ms(10_000, 'a poll may be late by this much; the deadline of every other request'),
  connectTimeoutMs: ms(5_000, 'a TCP and TLS connection must be made within this'),
  firstRetryMs: ms(250, 'the first reconnect starts within this'),
  backoffMinMs: ms(500, 'the reconnect after a failed one starts within this, doubled each time'),
  backoffMaxMs: ms(30_000, 'the longest pause between reconnects'),
  rejectedRetryMs: ms(60_000, 'a refused runner (401, 403, 426, superseded) tries again this often'),
  logGatherMs: ms(50, 'output is gathered this long before it is sent'),
  logBufferBytes: z.int().positive().default(1_048_576).describe('accepted and not yet written output per job'),
  spoolLimitBytes: z
    .int()
    .positive()
    .default(1_073_741_824)
    .describe('output kept per job; beyond it, it is counted and dropped'),
  spoolRetryMs: ms(1_000, 'a failed write to the spool (disk full) is tried again this often'),
  jobRetryMinMs: ms(250, 'pause before a failed upload or finish is tried again, doubled each time'),
  jobRetryMaxMs: ms(10_000, 'the longest such pause'),
  probeRetryMs: ms(5_000, 'pause before work of unknown state is looked at again'),
  stopGraceMs: ms(10_000, '`stop` ends within this'),
  adaptersLookMs: ms(5_000, 'the list of installed adapters is looked at this often, besides being watched'),
  adapterHandoverMs: ms(
    10_000,
    'an adapter that is replaced or removed takes calls of jobs that are just starting for this long',
  ),
  adaptersStartMs: ms(15_000, '`start` waits this long for installed adapters to load; the others follow in the background'),
  healthWriteMs: ms(5_000, 'health.json in the home folder is written at least this often'),
});

export type RunnerClientSettings = z.infer<typeof runnerClientSettingsSchema>;
