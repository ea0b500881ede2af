import { AdapterError } from '@runbeat/adapter-sdk';

/** What the follow script sends. */
export type Frame =
  | { readonly kind: 'output'; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | { readonly kind: 'alive' }
  | { readonly kind: 'exit'; readonly exitCode: number }
  | { readonly kind: 'gone' };

const newLine = 0x0a;
const headerLimitBytes = 64;

/** Turns the bytes of the connection into whole frames, however they are cut. */
export function createFrameReader(): { push(bytes: Uint8Array): Frame[] } {
  let held: Buffer = Buffer.alloc(0);
  return {
    push(bytes) {
      held = Buffer.concat([held, bytes]);
      const frames: Frame[] = [];
      while (true) {
        const headerEnd = held.indexOf(newLine);
        if (headerEnd === -1) {
          if (held.length > headerLimitBytes) throw unreadable(held);
          return frames;
        }
        const header = held.toString('latin1', 0, headerEnd);
        const length = /^[oe] (\d+)$/.exec(header)?.[1];
        if (length === undefined) {
          frames.push(frameFromLine(header));
          held = held.subarray(headerEnd + 1);
          continue;
        }
        const end = headerEnd + 1 + Number(length);
        if (held.length < end) return frames;
        frames.push({
          kind: 'output',
          stream: header.startsWith('o') ? 'stdout' : 'stderr',
          bytes: held.subarray(headerEnd + 1, end),
        });
        held = held.subarray(end);
      }
    },
  };
}

function frameFromLine(line: string): Frame {
  if (line === 'alive' || line === 'gone') return { kind: line };
  const exitCode = /^exit (\d+)$/.exec(line)?.[1];
  if (exitCode !== undefined) return { kind: 'exit', exitCode: Number(exitCode) };
  throw unreadable(Buffer.from(line));
}

function unreadable(bytes: Buffer): AdapterError {
  const start = JSON.stringify(bytes.toString('latin1', 0, headerLimitBytes));
  return new AdapterError(
    'ssh.shell_talks',
    `The other host sent ${start} instead of a frame. Does its login shell print something at start?`,
  );
}
