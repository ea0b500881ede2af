import { Writable } from 'node:stream';
import { isApiError } from '../cluster/api-error.js';
import type { ClusterConnection } from '../cluster/connection.js';
import { loadClient } from '../cluster/credentials.js';
import { decodeFrame, type Frame } from './frames.js';

export interface ReplayTarget {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  /** What runs the shim in the container: `[node, /runbeat/shim/shim.mjs]`. */
  readonly shimCommand: readonly string[];
}

/** What an exec gave. `refused` = a finished container or a missing right: no frames are to be had this way. */
export type Replay =
  | { readonly kind: 'frames'; readonly frames: readonly Frame[] }
  | { readonly kind: 'refused'; readonly message: string };

/** Asks the shim, by exec in the running container, for frames that the node's log has lost. Never rejects. */
export async function replayFrames(
  connection: ClusterConnection,
  target: ReplayTarget,
  range: { readonly from: number; readonly to: number },
  options: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Replay> {
  const limit = AbortSignal.any([AbortSignal.timeout(options.timeoutMs), options.signal]);
  const chunks: Buffer[] = [];
  const stdout = collector(chunks);
  const stderrChunks: Buffer[] = [];
  try {
    const [{ Exec }, { config }] = await Promise.all([loadClient(), connection.credentials()]);
    const command = [...target.shimCommand, 'replay', String(range.from), String(range.to)];
    const status = await new Promise<{ status?: string; message?: string }>((resolve, reject) => {
      const giveUp = (): void => reject(new Error(`no answer within ${options.timeoutMs} ms`));
      if (limit.aborted) return giveUp();
      limit.addEventListener('abort', giveUp, { once: true });
      new Exec(config)
        .exec(target.namespace, target.pod, target.container, command, stdout, collector(stderrChunks), null, false, resolve)
        .then((socket) => {
          // Without a status the connection was cut.
          socket.on('close', () => reject(new Error('the connection ended without a status')));
          socket.on('error', reject);
          limit.addEventListener('abort', () => socket.terminate(), { once: true });
        }, reject);
    });
    if (status.status !== 'Success') return { kind: 'refused', message: status.message ?? 'exec failed' };
  } catch (error) {
    const message = isApiError(error) || error instanceof Error ? error.message : describeRejection(error);
    return { kind: 'refused', message };
  }
  const frames = Buffer.concat(chunks)
    .toString('latin1')
    .split('\n')
    .map(decodeFrame)
    .filter((frame) => frame !== null);
  return { kind: 'frames', frames };
}

/** client-node rejects with a WebSocket's ErrorEvent. */
function describeRejection(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : 'the exec connection was refused';
}

function collector(chunks: Buffer[]): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
}
