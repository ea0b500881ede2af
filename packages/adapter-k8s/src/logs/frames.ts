/**
 * Frames of the log shim, one a line: `rb1 <seq> <kind> <base64>`. Kinds: o stdout, e stderr, h heartbeat, b begin, x exit.
 * At most 8 KiB of payload, so that a frame is one entry of the node's log; cut between characters, so that each decodes alone.
 */
export interface Frame {
  readonly seq: number;
  readonly kind: 'o' | 'e' | 'h' | 'b' | 'x';
  readonly payload: Buffer;
}

export function encodeFrame(frame: Frame): string {
  return `rb1 ${frame.seq} ${frame.kind} ${frame.payload.toString('base64')}\n`;
}

/** Null = this line is no frame. */
export function decodeFrame(line: string): Frame | null {
  const match = /^rb1 (\d{1,15}) ([oehbx]) ([A-Za-z0-9+/]*={0,2})$/.exec(line);
  if (!match) return null;
  const [, seq, kind, payload = ''] = match;
  return { seq: Number(seq), kind: kind as Frame['kind'], payload: Buffer.from(payload, 'base64') };
}

/** What the shim tells about the end, in the `x` frame and in the termination message. */
export interface ShimExit {
  readonly code: number;
  readonly signal: string | null;
  /** Sequence number of the `x` frame: the last one there is. */
  readonly seq: number;
  /** Set when the command could not be started at all. */
  readonly startError: string | null;
}

export function parseShimExit(text: string): ShimExit | null {
  try {
    const value = JSON.parse(text) as Record<string, unknown>;
    if (value['rb'] !== 1 || typeof value['code'] !== 'number' || typeof value['seq'] !== 'number') return null;
    return {
      code: value['code'],
      signal: typeof value['signal'] === 'string' ? value['signal'] : null,
      seq: value['seq'],
      startError: typeof value['startError'] === 'string' ? value['startError'] : null,
    };
  } catch {
    return null;
  }
}
