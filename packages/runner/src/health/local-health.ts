import { rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { RunnerHealth } from '@runbeat/protocol';
import type { RunnerClock } from '../runner-clock.js';
import type { RunnerLogger } from '../runner-logger.js';
import { metricsTextFrom } from './metrics-text.js';

/** Shows the health on this machine, also while the server is away: a file in the home folder and, if wanted, a port. */
export interface LocalHealth {
  /** Write the file soon; called with each change of status. */
  changed(): void;
  /** Null = no port was asked for. */
  readonly port: number | null;
  close(): Promise<void>;
}

export async function openLocalHealth(options: {
  readonly home: string;
  /** Loopback port, 0 = any; null = only the file. */
  readonly port: number | null;
  readonly everyMs: number;
  readonly clock: RunnerClock;
  readonly logger: RunnerLogger;
  health(): RunnerHealth;
}): Promise<LocalHealth> {
  const path = join(options.home, 'health.json');
  let writing: Promise<void> | null = null;
  let isDirty = false;
  let isClosed = false;
  let cancel: () => void = () => undefined;

  async function writeLoop(): Promise<void> {
    while (isDirty) {
      isDirty = false;
      await writeFile(`${path}.new`, `${JSON.stringify(options.health(), null, 2)}\n`, { mode: 0o600 });
      await rename(`${path}.new`, path);
    }
  }

  function changed(): void {
    isDirty = true;
    writing ??= writeLoop()
      .catch((error: unknown) => options.logger.warn({ err: error }, 'health.json cannot be written'))
      .finally(() => {
        writing = null;
      });
  }

  const again = (): void => {
    changed();
    if (!isClosed) cancel = options.clock.setTimer(options.everyMs, again);
  };
  const server = options.port === null ? null : await listen(options.port, options.health);
  again();

  return {
    changed,
    port: server === null ? null : (server.address() as AddressInfo).port,
    async close() {
      isClosed = true;
      cancel();
      changed();
      await writing;
      if (server) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
}

function listen(port: number, health: () => RunnerHealth): Promise<Server> {
  const server = createServer((request, response) => {
    const document = health();
    if (request.url === '/metrics') {
      response.setHeader('content-type', 'text/plain; version=0.0.4');
      return response.end(metricsTextFrom(document));
    }
    response.setHeader('content-type', 'application/json');
    // For probes: 200 while it works or will soon again, 503 when an operator must look.
    response.statusCode = document.health.status === 'unhealthy' ? 503 : 200;
    return response.end(JSON.stringify(document));
  });
  server.on('clientError', (_error, socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
