import type { ServerMessage } from '@runbeat/protocol';

/**
 * One connection that delivers messages. Ends by returning (the server or the network ended it: resume), or by throwing a
 * `RunbeatApiError` (the server refused: resuming makes sense only when it says so).
 */
export type LiveLink = (signal: AbortSignal) => AsyncGenerator<ServerMessage, void>;

/** Without any sign of life for this long the link is dead, whatever the socket says. The server pings every 15 s. */
export const silenceLimitMs = 40_000;

/** Calls `onSilence` once, unless `alive` is called at least every `limitMs`. */
export interface SilenceWatch {
  alive(): void;
  stop(): void;
}

export function watchSilence(onSilence: () => void, limitMs: number): SilenceWatch {
  let timer = setTimeout(onSilence, limitMs);
  return {
    alive() {
      clearTimeout(timer);
      timer = setTimeout(onSilence, limitMs);
    },
    stop: () => clearTimeout(timer),
  };
}
