import { createHash } from 'node:crypto';
import { type RunnerLogLine, runnerLogLimitBytes } from '@runbeat/protocol';

/** A line must fit one upload; event data that does not is left out, output never gets near (64 KiB of text a call). */
export function bytesFromLine(line: RunnerLogLine): Buffer {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`, 'utf8');
  if (bytes.length <= runnerLogLimitBytes) return bytes;
  const shorter: RunnerLogLine =
    line.k === 'log'
      ? { ...line, t: line.t.slice(0, 65_536) }
      : { k: 'event', at: line.at, type: line.type, level: line.level, message: line.message.slice(0, 65_536) };
  return Buffer.from(`${JSON.stringify(shorter)}\n`, 'utf8');
}

/** The chain hash behind one more line; see `runner-log.ts` of the protocol. */
export function chainBehind(chain: string, line: Uint8Array): string {
  return createHash('sha256').update(chain).update(line).digest('base64url');
}
