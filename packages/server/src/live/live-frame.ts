import type { ServerMessage } from '@runbeat/protocol';

/** A message in the form in which it goes out, made once and shared by all connections that get it. */
export interface LiveFrame {
  /** JSON in UTF-8, the payload of one WebSocket text frame. */
  readonly json: Buffer;
  /** The same as one server-sent event. */
  readonly sse: () => Buffer;
  readonly byteLength: number;
}

const sseNewline = Buffer.from('\n\n');

/**
 * @param sseId what the client gives back as `Last-Event-ID`; absent = the message does not move the client's cursor.
 */
export function createLiveFrame(message: ServerMessage, sseId?: number): LiveFrame {
  const json = Buffer.from(JSON.stringify(message));
  let sse: Buffer | undefined;
  return {
    json,
    byteLength: json.byteLength,
    sse: () => {
      // JSON holds no line break, so that one `data:` line is enough.
      sse ??= Buffer.concat([
        Buffer.from(`${sseId === undefined ? '' : `id: ${sseId}\n`}event: ${message.type}\ndata: `),
        json,
        sseNewline,
      ]);
      return sse;
    },
  };
}
