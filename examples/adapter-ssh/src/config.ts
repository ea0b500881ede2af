import { z } from 'zod';

export const configSchema = z.strictObject({
  /** Host name or an alias of `~/.ssh/config`. A leading dash would be read as an option by ssh. */
  host: z.string().regex(/^[A-Za-z0-9_:[][A-Za-z0-9_.:%[\]-]*$/, 'is no host name'),
  port: z.number().int().min(1).max(65_535).optional(),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*$/, 'is no user name')
    .optional(),
  identityFile: z.string().min(1).optional().describe('Private key; absent = what ssh finds by itself'),
  knownHostsFile: z.string().min(1).optional().describe('Absent = the known hosts of the user'),
  /** Only you may be able to write to it: who can reach the sockets in it has your logins. */
  controlFolder: z
    .string()
    .min(1)
    .max(60)
    .optional()
    .describe('Folder for connections that are shared for a minute; absent = none are'),
  command: z.string().min(1).describe('Program to run on the other host, looked up in its PATH'),
  args: z.array(z.string()).default([]),
  cwd: z.string().min(1).optional().describe('Folder on the other host; absent = the home folder there'),
  env: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no variable name'), z.string()).default({}),
  graceMs: z.number().int().min(0).default(10_000).describe('Milliseconds between asking the work to stop and forcing it'),
});

export type Config = z.output<typeof configSchema>;
