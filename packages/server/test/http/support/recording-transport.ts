import type { ServerMessage } from '@runbeat/protocol';
import type { LiveConnection, LiveTransport } from '../../../src/live/live-connection.js';

export interface RecordingTransport extends LiveTransport {
  readonly messages: readonly ServerMessage[];
  /** While true, nothing that is written leaves: a peer that does not read. */
  setStalled(isStalled: boolean): void;
  readonly closes: readonly number[];
  readonly isTerminated: () => boolean;
  /** The connection that is told when the peer closed. */
  bind(connection: Pick<LiveConnection, 'transportClosed'>): void;
  /** Called with the message, in order, when it left. */
  onMessage(listener: (message: ServerMessage) => void): void;
}

/** A peer in memory that can stop reading. */
export function createRecordingTransport(): RecordingTransport {
  const messages: ServerMessage[] = [];
  const closes: number[] = [];
  const listeners: ((message: ServerMessage) => void)[] = [];
  let held: (() => void)[] = [];
  let isStalled = false;
  let isTerminated = false;
  let bound: Pick<LiveConnection, 'transportClosed'> | null = null;
  return {
    bind(connection) {
      bound = connection;
    },
    kind: 'websocket',
    hasPongs: true,
    messages,
    closes,
    isTerminated: () => isTerminated,
    onMessage: (listener) => void listeners.push(listener),
    write(frame, written) {
      const leave = (): void => {
        const message = JSON.parse(frame.json.toString()) as ServerMessage;
        messages.push(message);
        for (const listener of listeners) listener(message);
        written();
      };
      if (isStalled) held.push(leave);
      else setImmediate(leave);
    },
    setStalled(value) {
      isStalled = value;
      if (value) return;
      const leaving = held;
      held = [];
      for (const leave of leaving) leave();
    },
    ping: () => undefined,
    close(code) {
      closes.push(code);
      // A peer that does not read does not answer a close.
      if (!isStalled) bound?.transportClosed();
    },
    terminate() {
      isTerminated = true;
      bound?.transportClosed();
    },
  };
}
