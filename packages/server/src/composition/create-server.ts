import type { ServerLog } from '../process-output/server-log.js';
import { ServerError } from '../server-error.js';
import { serverSettingsSchema } from '../settings/server-settings.js';
import type { OpenServer } from './open-server.js';
import { packageVersion } from './package-version.js';
import type { CreateServerOptions, RunbeatServer } from './server.js';

/** Makes a server; nothing is opened before `start`. Throws `settings_invalid`. */
export function createServer(options: CreateServerOptions): RunbeatServer {
  const parsed = serverSettingsSchema.safeParse(options.settings);
  if (!parsed.success) {
    const fields = parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
    throw new ServerError(
      'settings_invalid',
      `These settings cannot be used: ${fields.map(({ field, message }) => `${field}: ${message}`).join('; ')}`,
      { fields },
    );
  }
  const settings = parsed.data;
  let opened: { readonly server: OpenServer; readonly log: ServerLog } | null = null;
  let opening: Promise<void> | null = null;
  let closing: Promise<void> | null = null;

  const notOpen = (): ServerError =>
    new ServerError('server_closed', 'The server is not open: call start() first, and not after close().');

  async function open(): Promise<void> {
    // Not before a server is started: whoever imports this package for its settings or errors loads these only.
    const [{ createServerLog }, { startServer }] = await Promise.all([
      import('../process-output/server-log.js'),
      import('./start-server.js'),
    ]);
    const log = createServerLog({ level: settings.logLevel, descriptor: options.logDescriptor ?? 1 });
    try {
      opened = {
        log,
        server: await startServer({
          settings,
          adapters: options.adapters,
          environment: options.environment ?? process.env,
          logger: log.logger,
          version: packageVersion(),
        }),
      };
    } catch (error) {
      log.flush();
      throw error;
    }
  }

  async function close(): Promise<void> {
    // A start that is under way comes to its end first, so that everything it opens is closed.
    await opening?.catch(() => undefined);
    await opened?.server.close();
    opened?.log.flush();
  }

  return {
    settings,
    async start() {
      if (closing) throw notOpen();
      opening ??= open();
      await opening;
    },
    close: () => (closing ??= close()),
    get url() {
      return opened?.server.url ?? '';
    },
    get localToken() {
      return opened?.server.localToken ?? '';
    },
    instanceId() {
      if (!opened) throw notOpen();
      return opened.server.supervisor.instanceId();
    },
    supervisor() {
      if (!opened) throw notOpen();
      return opened.server.supervisor;
    },
  };
}
