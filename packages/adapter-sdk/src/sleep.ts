/**
 * Wait. Resolves `elapsed` after `ms` milliseconds, or `aborted` as soon as `signal` aborts (at once when it already
 * has); never rejects, so that a polling loop ends with `if ((await sleep(500, signal)) === 'aborted') return`.
 */
export function sleep(ms: number, signal?: AbortSignal): Promise<'elapsed' | 'aborted'> {
  if (signal?.aborted) return Promise.resolve('aborted');
  return new Promise((resolve) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      resolve('aborted');
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve('elapsed');
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
