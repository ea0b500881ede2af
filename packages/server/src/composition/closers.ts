import type { Logger } from '../supervisor/ports/index.js';

/** What was opened, to be closed in reverse order. A step that fails is told and does not keep the others open. */
export interface Closers {
  add(name: string, close: () => Promise<unknown>): void;
  /** Idempotent. */
  closeAll(): Promise<void>;
}

export function createClosers(logger: Logger): Closers {
  const steps: { readonly name: string; readonly close: () => Promise<unknown> }[] = [];
  return {
    add(name, close) {
      steps.push({ name, close });
    },
    async closeAll() {
      for (let step = steps.pop(); step; step = steps.pop()) {
        const { name } = step;
        await step
          .close()
          .catch((error: unknown) => logger.error({ err: error, step: name }, 'a part of the server could not be closed'));
      }
    },
  };
}
