import { z } from 'zod';

export const configSchema = z.strictObject({
  command: z.string().min(1).describe('Program to run, looked up in PATH'),
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}).describe('Variables to add to its environment'),
  aliveEveryMs: z.number().int().min(50).default(30_000).describe('Milliseconds between two looks at the program'),
  graceMs: z.number().int().min(0).default(10_000).describe('Milliseconds between asking it to stop and forcing it'),
});

export type Config = z.output<typeof configSchema>;
