import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { ServerError } from '../server-error.js';

/**
 * Below 32768, where systems begin to give out ports for outgoing connections: one of those, in TIME_WAIT, would make
 * PostgreSQL's start fail now and then.
 */
const portRange = { from: 20_000, below: 32_000 };

/** A loopback port that nobody listens on. Somebody may take it before it is used; the caller then tries another. */
export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const port = randomInt(portRange.from, portRange.below);
    if (await isFree(port)) return port;
  }
  throw new ServerError(
    'database_start_failed',
    `No free port was found for the built-in PostgreSQL between ${portRange.from} and ${portRange.below}. Free some, or set DATABASE_URL to a PostgreSQL of your own.`,
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}
