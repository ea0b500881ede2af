import { z } from 'zod';

/** What an agent of this adapter is configured with. Unknown fields are refused, so that a typing error shows. */
export const configSchema = z.strictObject({
  command: z.string().min(1).describe('Program to run, looked up in PATH'),
  args: z.array(z.string()).default([]),
  cwd: z.string().min(1).optional().describe('Folder in which it runs'),
  env: z.record(z.string(), z.string()).default({}).describe('Variables to add to its environment'),
  graceMs: z.number().int().min(0).default(10_000).describe('Milliseconds between asking it to stop and forcing it'),
});

export type Config = z.output<typeof configSchema>;
