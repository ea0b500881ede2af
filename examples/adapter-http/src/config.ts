import { z } from 'zod';

/** What an agent of this adapter is configured with. */
export const configSchema = z.strictObject({
  serviceUrl: z.url().describe('Where the job service listens'),
  /** Sent as `Authorization: Bearer …`. It never goes into a handle or a message. */
  token: z.string().min(1).optional().describe('Access token of the service'),
  task: z.string().min(1).describe('Name of the task to run'),
  pollMs: z.number().int().min(10).default(1_000).describe('Milliseconds between two looks at a job'),
  graceMs: z.number().int().min(0).default(10_000).describe('Milliseconds between asking a job to stop and killing it'),
});

export type Config = z.output<typeof configSchema>;
