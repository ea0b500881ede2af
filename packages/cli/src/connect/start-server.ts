import { join } from 'node:path';
import { createKubernetesAdapter } from '@runbeat/adapter-k8s';
import { createLocalAdapter, createLocalAttachedAdapter } from '@runbeat/adapter-local';
import { createServer, type RunbeatServer, type ServerSettings } from '@runbeat/server';

/** A server with the built-in adapters, listening. The command supplies them, since the server knows no concrete adapter. */
export async function startServer(settings: ServerSettings): Promise<RunbeatServer> {
  const runsDirectory = join(settings.home, 'runs');
  const server = createServer({
    settings,
    adapters: (installation) => [
      createLocalAdapter({ runsDirectory }),
      createLocalAttachedAdapter(),
      createKubernetesAdapter({ installation }),
    ],
  });
  await server.start();
  return server;
}
