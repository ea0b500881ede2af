import type { RunnerSessionOpened } from '@runbeat/protocol';
import type { RunnerClock } from '../runner-clock.js';

/** Heartbeats of one session after the other: at once, then regularly, one at a time, sooner when asked. */
export interface HeartbeatLoop {
  start(session: RunnerSessionOpened): void;
  stop(): void;
  hurry(): void;
}

export function createHeartbeatLoop(options: {
  readonly clock: RunnerClock;
  /** Sends one and deals with its answer. */
  send(session: RunnerSessionOpened): Promise<void>;
  onError(error: unknown): void;
}): HeartbeatLoop {
  let current: { readonly session: RunnerSessionOpened; isSending: boolean; isWanted: boolean } | null = null;
  let cancel: () => void = () => undefined;

  function beat(): void {
    const own = current;
    if (own === null) return;
    cancel();
    if (own.isSending) {
      own.isWanted = true;
      return;
    }
    own.isSending = true;
    own.isWanted = false;
    options
      .send(own.session)
      .catch(options.onError)
      .finally(() => {
        own.isSending = false;
        // A session that ended meanwhile has no next heartbeat.
        if (current === own) cancel = options.clock.setTimer(own.isWanted ? 0 : own.session.heartbeatMs, beat);
      });
  }

  return {
    start(session) {
      cancel();
      current = { session, isSending: false, isWanted: false };
      beat();
    },
    stop() {
      cancel();
      current = null;
    },
    hurry: beat,
  };
}
