import { errorCodeOf, errorMessageOf } from '../model/index.js';
import type { Logger } from '../ports/index.js';

/** Work that nobody awaits at once. Shutdown awaits all of it; a rejection is a bug and is logged as one. */
export interface BackgroundWork {
  track(name: string, work: Promise<unknown>): void;
  /** Resolves when nothing is tracked any more, including what is added meanwhile. */
  idle(): Promise<void>;
}

export function createBackgroundWork(logger: Logger): BackgroundWork {
  const running = new Set<Promise<unknown>>();
  return {
    track(name, work) {
      const tracked = work
        .catch((error: unknown) => {
          logger.error({ work: name, code: errorCodeOf(error), error: errorMessageOf(error) }, 'background work failed');
        })
        .finally(() => running.delete(tracked));
      running.add(tracked);
    },
    async idle() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
