import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { badRequest, notFound } from './api-status.js';
import type { Cluster } from './cluster.js';
import type { Kubelet } from './kubelet.js';

const PROTOCOLS = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];
const CHANNEL = { stdout: 1, stderr: 2, status: 3 } as const;

/** Exec over WebSocket (test/golden/10): output on channels 1 and 2, a `Status` on channel 3, then close 1000. */
export interface ExecHandler {
  /** Throws an ApiFailure where the real server refuses before the 101. */
  handle(raw: IncomingMessage, socket: Duplex, head: Buffer, target: { namespace: string; pod: string }): void;
  close(): void;
}

export function createExecHandler(cluster: Cluster, kubelet: Kubelet): ExecHandler {
  const server = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => PROTOCOLS.find((protocol) => offered.has(protocol)) ?? false,
  });

  return {
    handle(raw, socket, head, { namespace, pod: podName }) {
      const { searchParams } = new URL(raw.url ?? '/', 'https://localhost');
      const pod = cluster.store.get('pods', namespace, podName);
      if (!pod) throw notFound('pods', podName);
      const container = searchParams.get('container') ?? pod.spec.containers[0]?.name ?? '';
      if (!pod.spec.containers.some((each) => each.name === container)) {
        throw badRequest(`container ${container} is not valid for pod ${podName}`);
      }
      server.handleUpgrade(raw, socket, head, (client) => {
        const first = searchParams.get('stdout') === 'true' ? CHANNEL.stdout : CHANNEL.status;
        client.send(Buffer.from([first]));
        const worker = kubelet.worker(pod.metadata.uid);
        const running = worker?.process(container);
        const isRunning = cluster.store
          .get('pods', namespace, podName)
          ?.status.containerStatuses?.some((each) => each.name === container && each.state.running !== undefined);
        if (!running || !isRunning) return refuse(client, `container not found ("${container}")`);
        const child = running.exec(searchParams.getAll('command'));
        child.stdin?.on('error', () => {});
        child.stdin?.end();
        child.stdout?.on('data', (chunk: Buffer) => client.send(Buffer.concat([Buffer.from([CHANNEL.stdout]), chunk])));
        child.stderr?.on('data', (chunk: Buffer) => client.send(Buffer.concat([Buffer.from([CHANNEL.stderr]), chunk])));
        child.on('error', (error) => refuse(client, `error executing command in container: ${error.message}`));
        child.on('close', (code) => sendStatus(client, exitStatus(code ?? 137)));
        client.on('close', () => child.kill('SIGKILL'));
        client.on('error', () => child.kill('SIGKILL'));
      });
    },
    close: () => {
      for (const client of server.clients) client.terminate();
      server.close();
    },
  };
}

function exitStatus(code: number): object {
  if (code === 0) return { metadata: {}, status: 'Success' };
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  };
}

/** A finished or waiting container is refused only after the 101. */
function refuse(client: WebSocket, text: string): void {
  const message = `unable to upgrade connection: ${text}`;
  sendStatus(client, {
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  });
}

function sendStatus(client: WebSocket, status: object): void {
  client.send(Buffer.concat([Buffer.from([CHANNEL.status]), Buffer.from(JSON.stringify(status))]));
  client.close(1000);
}
