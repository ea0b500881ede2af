import { join } from 'node:path';
import { type LoadedAdapter, loadAdapter, workerEnvironment } from '@runbeat/adapter-host';

export interface RunnerAdaptersOptions {
  /** The runner's home. Packages are looked for in `<home>/adapters`, installed there by `npm install --prefix`. */
  readonly home: string;
  /** Names of installed packages, or paths of packages or modules (relative ones from `<home>/adapters`). */
  readonly packages: readonly string[];
  /** All that the adapters' workers see as `process.env`; absent = what every program needs, never the runner's secrets. */
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Loads adapters for `createRunner` that the program chooses itself, unlike those of `createInstalledAdapters`, each in a worker of its own, as a server does. Rejects with the error of
 * the first that cannot be loaded (`adapter_not_found`, `adapter_invalid` …); the others are closed again then.
 */
export async function loadRunnerAdapters(options: RunnerAdaptersOptions): Promise<LoadedAdapter[]> {
  const environment = options.environment ?? workerEnvironment(process.env, []);
  const results = await Promise.allSettled(
    options.packages.map((specifierOrPath) =>
      loadAdapter({
        source: { kind: 'module', specifierOrPath, fromFolder: join(options.home, 'adapters') },
        isolation: 'worker',
        environment,
      }),
    ),
  );
  const loaded = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed === undefined) return loaded;
  await Promise.all(loaded.map((adapter) => adapter.close()));
  throw failed.reason;
}
