import { createHash } from 'node:crypto';
import { type RunnerLogLine, runnerLogLimitBytes } from '@runbeat/protocol';

/** A line must fit one upload; event data that does not is left out, output never gets near (64 KiB of text a call). */
export function bytesFromLine(line: RunnerLogLine): Buffer {
  const bytes = Buffer.from(`${JSON.stringify(line)}\n`, 'utf8');
  if (bytes.length <= runnerLogLimitBytes) return bytes;
  return Buffer.from(`${JSON.stringify(shortened(line))}\n`, 'utf8');
}

function shortened(line: RunnerLogLine): RunnerLogLine {
  switch (line.k) {
    case 'log':
      return { ...line, t: line.t.slice(0, 65_536) };
    case 'event':
      return { k: 'event', at: line.at, type: line.type, level: line.level, message: line.message.slice(0, 65_536) };
    case 'opened':
    case 'resume':
      // A conversation that cannot be resumed begins anew; a line that cannot be sent would end it.
      return { ...line, v: null };
    case 'wrote':
      return { ...line, m: line.m?.slice(0, 65_536) ?? '' };
    default:
      // Made short: outputs come in parts, and the rest has names only.
      return line;
  }
}

/** The adapter's cursor behind a line; null = it has none. */
export function cursorOfLine(line: RunnerLogLine): string | null {
  return line.k === 'log' || line.k === 'said' || line.k === 'said-end' ? (line.c ?? null) : null;
}

/** The chain hash behind one more line; see `runner-log.ts` of the protocol. */
export function chainBehind(chain: string, line: Uint8Array): string {
  return createHash('sha256').update(chain).update(line).digest('base64url');
}
