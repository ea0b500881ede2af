import { workloadEnvironment } from '@runbeat/adapter-sdk';

/**
 * What an adapter's worker sees as `process.env`: what every program needs (`PATH`, `HOME`, locale, certificates, proxy)
 * and the variables that the adapter's settings name. The server's own secrets stay with the server.
 */
export function workerEnvironment(
  source: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
): Record<string, string> {
  return workloadEnvironment({ environment: {} }, Object.fromEntries(names.map((name) => [name, source[name]])), source);
}
