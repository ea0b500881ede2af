/**
 * Aborts when somebody asks this process to end.
 * @param options.isSecondFatal a second request ends the process as the system does; otherwise it changes nothing, for work
 * that ends in time by itself and must not be cut off.
 */
export function stopSignal(options: { readonly isSecondFatal: boolean }): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    if (options.isSecondFatal) process.once(name, stop);
    else process.on(name, stop);
  }
  return controller.signal;
}
