import type { ExecutionOptions } from './execution-options.js';

/** True when the signal aborted before the pause was over. */
export function waitOrAbort(options: Pick<ExecutionOptions, 'signal' | 'clock' | 'probeRetryMs'>): Promise<boolean> {
  const { signal, clock, probeRetryMs } = options;
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(true);
    const onAbort = (): void => {
      cancel();
      resolve(true);
    };
    const cancel = clock.setTimer(probeRetryMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve(false);
    });
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
