import type { RunbeatClient } from '@runbeat/client';
import type { LoadedSettings, ServerSettings } from '@runbeat/server';
import { CliError } from '../cli-error.js';
import { exitCodes } from '../exit-codes.js';

/** Options that every command takes. */
export interface GlobalOptions {
  readonly home?: string;
  readonly config?: string;
  readonly server?: string;
  readonly token?: string;
  readonly company?: string;
  readonly json?: boolean;
}

/** A server to talk to. `close` ends it when it was started for this command. */
export interface Connection {
  readonly client: RunbeatClient;
  readonly url: string;
  /** The company to work in, looked up once; rejects with `usage_invalid` when there is none of that name. */
  companyId(): Promise<string>;
  readonly isEmbedded: boolean;
  close(): Promise<void>;
}

/** Settings as the command line, the environment and the settings file give them. Rejects with `settings_invalid`. */
export async function settingsFromOptions(options: GlobalOptions, flags: Record<string, unknown> = {}): Promise<LoadedSettings> {
  // Here as below, packages are loaded where they are needed: a command that only prints its help waits for none.
  const { loadSettings, resolveHome } = await import('@runbeat/server');
  return loadSettings({
    flags: { ...(options.home ? { home: options.home } : {}), ...flags },
    environment: process.env,
    ...(options.config ? { configFile: options.config } : {}),
    workingDirectory: process.cwd(),
    defaultHome: resolveHome(process.env),
  });
}

/**
 * The running server: `--server`, else `RUNBEAT_API_URL`, else the one that the home folder names. Null when the home
 * folder names none that answers.
 */
export async function findServer(options: GlobalOptions): Promise<Connection | null> {
  const named = options.server ?? process.env['RUNBEAT_API_URL'];
  const token = options.token ?? process.env['RUNBEAT_API_KEY'] ?? process.env['RUNBEAT_RUN_TOKEN'];
  if (named) return connection(named, token, options, false);
  const [{ settings }, { readServerFile }] = await Promise.all([settingsFromOptions(options), import('./server-file.js')]);
  const file = await readServerFile(settings.home);
  if (!file || !(await isAnswering(file.url))) return null;
  return connection(file.url, token ?? file.token ?? undefined, options, false);
}

/** As `findServer`, for commands that make no sense without one. */
export async function requireServer(options: GlobalOptions): Promise<Connection> {
  const found = await findServer(options);
  if (found) return found;
  const { home } = (await settingsFromOptions(options)).settings;
  throw new CliError(
    'server_not_running',
    `No server is running for the home folder ${home}. Start one with \`runbeat serve\`, or name one with --server URL.`,
    {
      exitCode: exitCodes.unreachable,
    },
  );
}

/** A server inside this process, on a free port, for the lifetime of one command. */
export async function startEmbedded(options: GlobalOptions, flags: Partial<ServerSettings> = {}): Promise<Connection> {
  const { startServer } = await import('./start-server.js');
  const { settings } = await settingsFromOptions(options, {
    host: '127.0.0.1',
    port: 0,
    mode: 'local',
    logLevel: 'silent',
    ...flags,
  });
  const server = await startServer(settings);
  const connected = await connection(server.url, server.localToken, options, true);
  return { ...connected, close: () => server.close() };
}

async function connection(
  url: string,
  token: string | undefined,
  options: GlobalOptions,
  isEmbedded: boolean,
): Promise<Connection> {
  const { createClient } = await import('@runbeat/client');
  const client = createClient({ baseUrl: url, ...(token ? { token } : {}) });
  let companyId: Promise<string> | null = null;
  return {
    client,
    url,
    isEmbedded,
    companyId: () => (companyId ??= findCompany(client, options.company)),
    close: async () => undefined,
  };
}

async function findCompany(client: RunbeatClient, wanted: string | undefined): Promise<string> {
  const { items } = await client.companies.list({ limit: 200 });
  const found = wanted
    ? items.find((company) => company.id === wanted || company.name === wanted)
    : (items.find((company) => company.name === 'local') ?? items[0]);
  if (found) return found.id;
  throw new CliError(
    'usage_invalid',
    wanted
      ? `There is no company "${wanted}". Known: ${items.map((company) => company.name).join(', ') || 'none'}.`
      : 'This server has no company yet. Create one: POST /api/companies { "name": "…" }.',
    {
      exitCode: exitCodes.usage,
    },
  );
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    const answer = await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(5_000) });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    // Nobody listens there any more: the server that wrote the file is gone.
    return false;
  }
}
