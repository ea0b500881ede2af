import { z } from 'zod';
import { runnerSettingsSchema } from '../runners/runner-settings.js';
import { supervisorSettingsSchema } from '../supervisor/supervisor-settings.js';

/** An adapter to load at start: a package (`@acme/runbeat-adapter-foo@^1`), a folder (`./adapters/bar`), or either with options. */
const configuredAdapterSchema = z.union([
  z.string().min(1),
  z.strictObject({
    source: z.string().min(1),
    /** Environment variables of the server that this adapter's worker may see. */
    environment: z.array(z.string().min(1)).default([]),
    maxHeapMb: z.int().positive().optional(),
    override: z.boolean().default(false),
  }),
]);

const logStoreSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('fs'), folder: z.string().min(1).optional() }),
  z.strictObject({ kind: z.literal('postgres') }),
  z.strictObject({
    kind: z.literal('s3'),
    bucket: z.string().min(1),
    prefix: z.string().default('runbeat'),
    region: z.string().default('us-east-1'),
    endpoint: z.url().optional(),
    forcePathStyle: z.boolean().default(false),
  }),
]);

/** Everything that an operator can set, with its default. The one place where settings are parsed. */
export const serverSettingsSchema = z.strictObject({
  home: z.string().min(1).describe('folder of database, logs, runs and adapters'),
  host: z.string().min(1).default('127.0.0.1').describe('address to listen on; any other than loopback needs mode token'),
  port: z.int().min(0).max(65_535).default(4400).describe('port to listen on; 0 takes a free one'),
  mode: z.enum(['local', 'token']).default('local').describe('local: no login, loopback only; token: API keys'),
  publicUrl: z.url().optional().describe('how agents and people reach this server; default http://host:port'),
  allowedHosts: z.array(z.string().min(1)).default([]).describe('further values of the Host header that are ours'),
  databaseUrl: z.string().min(1).optional().describe('a PostgreSQL 15 or newer; default: the embedded one in the home folder'),
  databasePoolSize: z.int().positive().max(200).default(10),
  logStore: logStoreSchema.default({ kind: 'fs' }),
  logRetentionDays: z.int().positive().default(30).describe('logs of finished runs are kept this long'),
  liveEventRetentionHours: z.int().positive().default(24),
  adapters: z.array(configuredAdapterSchema).default([]),
  isInstallScriptsAllowed: z.boolean().default(false).describe('whether npm may run install scripts of adapter packages'),
  secretsFile: z.string().min(1).optional().describe('JSON file of secrets; otherwise RUNBEAT_SECRET_<NAME> is read'),
  isTelemetryOn: z.boolean().default(false),
  telemetryUrl: z.url().optional(),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  rateLimitPerMinute: z.int().positive().default(6_000).describe('requests per minute and key'),
  bodyLimitBytes: z.int().positive().default(1_048_576),
  ...runnerSettingsSchema.shape,
  supervisor: supervisorSettingsSchema.prefault({}),
});

export type ServerSettings = z.infer<typeof serverSettingsSchema>;
export type RawServerSettings = z.input<typeof serverSettingsSchema>;
