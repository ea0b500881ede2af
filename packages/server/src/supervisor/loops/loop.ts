import { errorCodeOf, errorMessageOf } from '../model/index.js';
import type { Clock, Logger, Metrics } from '../ports/index.js';

/**
 * A task that is repeated. States: `stopped` → `waiting` ⇄ `running` → `stopped`. One pass at a time; an error is told
 * and the next pass comes as if nothing had happened.
 */
export interface Loop {
  /** The first pass comes after one interval. */
  start(): void;
  /** One pass as soon as possible: now, or right after the one that is running. Ignored when stopped. */
  trigger(): void;
  /** No pass begins any more; resolves when the running one ended. */
  stop(): Promise<void>;
}

export function createLoop(options: {
  readonly name: string;
  readonly intervalMs: number;
  readonly pass: () => Promise<unknown>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}): Loop {
  let isStarted = false;
  let isAskedAgain = false;
  let running: Promise<void> | null = null;
  let cancelTimer: (() => void) | null = null;

  const onePass = async (): Promise<void> => {
    try {
      await options.pass();
    } catch (error) {
      options.metrics.count('loop_errors_total', { loop: options.name });
      options.logger.error({ loop: options.name, code: errorCodeOf(error), error: errorMessageOf(error) }, 'loop pass failed');
    }
  };
  const run = (): void => {
    cancelTimer?.();
    cancelTimer = null;
    isAskedAgain = false;
    running = onePass().then(() => {
      running = null;
      if (!isStarted) return;
      if (isAskedAgain) run();
      else cancelTimer = options.clock.setTimer(options.intervalMs, run);
    });
  };

  return {
    start() {
      if (isStarted) return;
      isStarted = true;
      cancelTimer = options.clock.setTimer(options.intervalMs, run);
    },
    trigger() {
      if (!isStarted) return;
      if (running) isAskedAgain = true;
      else run();
    },
    async stop() {
      isStarted = false;
      cancelTimer?.();
      cancelTimer = null;
      await running;
    },
  };
}
