import type { Command } from 'commander';
import type { CommandContext } from '../command-line.js';
import { settingsFromOptions } from '../connect/connect.js';

interface ServeOptions {
  readonly port?: string;
  readonly host?: string;
  readonly mode?: string;
  readonly databaseUrl?: string;
  readonly logLevel?: string;
}

/** Output that waits for its reader when the server has ended is given up after this. */
const unreadOutputLimitMs = 500;

/** `runbeat serve`: a server in the foreground until SIGTERM or SIGINT. */
export function registerServe(program: Command, context: CommandContext): void {
  program
    .command('serve')
    .description('start a server (http://127.0.0.1:4400 unless set otherwise)')
    .option('--port <port>', 'port to listen on; 0 takes a free one (RUNBEAT_PORT)')
    .option('--host <address>', 'address to listen on (RUNBEAT_HOST); any other than loopback needs --mode token')
    .option('--mode <mode>', 'local: loopback, no login; token: API keys (RUNBEAT_MODE)')
    .option('--database-url <url>', 'PostgreSQL 15 or newer instead of the embedded one (DATABASE_URL)')
    .option('--log-level <level>', 'trace, debug, info, warn, error or silent (RUNBEAT_LOG_LEVEL)')
    .action(async (_own: unknown, command: Command) => {
      const options = context.options<ServeOptions>(command);
      const { settings } = await settingsFromOptions(options, {
        port: options.port === undefined ? undefined : numberOrText(options.port),
        host: options.host,
        mode: options.mode,
        databaseUrl: options.databaseUrl,
        logLevel: options.logLevel,
      });
      context.terminal.outliveReader?.();
      const { startServer } = await import('../connect/start-server.js');
      const stopRequested = firstSignal(['SIGTERM', 'SIGINT', 'SIGHUP']);
      const server = await startServer(settings);
      const text = options.json
        ? JSON.stringify({ type: 'listening', url: server.url, pid: process.pid, home: settings.home })
        : `Runbeat is listening on ${server.url} (home ${settings.home}, pid ${process.pid})`;
      context.terminal.stdout.write(`${text}\n`);
      await stopRequested;
      await server.close();
      // What a reader has stopped reading would keep the ended process alive for as long as it does not go.
      setTimeout(() => process.exit(), unreadOutputLimitMs).unref();
    });
}

/** The schema tells what is wrong with a port that is no number. */
function numberOrText(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function firstSignal(signals: readonly NodeJS.Signals[]): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of signals) process.on(signal, () => resolve(signal));
  });
}
