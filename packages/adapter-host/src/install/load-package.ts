import { type AdapterError, isAdapterError } from '@runbeat/adapter-sdk';
import { hostError } from '../adapter-host-error.js';
import type { HostClock } from '../host-clock.js';
import { loadAdapter } from '../load-adapter.js';
import type { LoadedAdapter } from '../loaded-adapter.js';
import { workerEnvironment } from './worker-environment.js';

/** Longest that the first questions to an adapter may take, in ms. */
const SMOKE_LIMIT_MS = 10_000;

/** How the worker of a package is set up. */
export interface WorkerSettings {
  /** Variables of the host's environment that the worker may see. */
  readonly environment: readonly string[];
  /** JavaScript heap of the worker; absent = 512. */
  readonly maxHeapMb?: number | undefined;
}

export interface PackageToLoad {
  /** The package's folder, or the folder that the settings name. */
  readonly folder: string;
  /** For messages and the log. */
  readonly name: string;
  readonly version?: string;
  readonly settings: WorkerSettings;
  /** Gives the loading up. */
  readonly signal?: AbortSignal;
}

export interface PackageLoader {
  /** Load an adapter package in a worker and ask it the first questions. Rejects with a code; nothing runs then. */
  load(source: PackageToLoad): Promise<LoadedAdapter>;
}

export interface PackageLoaderOptions {
  /** The host's; a worker sees of it what every program needs and what its settings name. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Modules that export an `adapterLifter`, for packages written for other hosts: the host that has some names them. */
  readonly lifters: readonly string[];
  readonly clock: HostClock;
  /** What a worker writes to stdout and stderr, without the line's end. */
  onOutput(packageName: string, stream: 'stdout' | 'stderr', text: string): void;
}

export function createPackageLoader(options: PackageLoaderOptions): PackageLoader {
  const { environment, lifters, clock } = options;
  return {
    async load({ folder, name, version, settings, signal }) {
      const loaded = await loadAdapter({
        source: { kind: 'module', specifierOrPath: folder },
        isolation: 'worker',
        environment: workerEnvironment(environment, settings.environment),
        limits: settings.maxHeapMb === undefined ? {} : { maxHeapMb: settings.maxHeapMb },
        lifters,
        clock,
        onOutput: (stream, text) => options.onOutput(name, stream, text.trimEnd()),
        ...(version === undefined ? {} : { version }),
        ...(signal === undefined ? {} : { signal }),
      }).catch((error: unknown) => {
        throw packageError(name, error);
      });
      try {
        await askFirstQuestions(loaded);
        return loaded;
      } catch (error) {
        await loaded.close();
        throw packageError(name, error);
      }
    },
  };
}

/**
 * Quick conformance: nothing is started, so it is safe for every adapter. Its shape was checked when it was loaded; now
 * the config schema must give an answer, and the adapter must still be there afterwards.
 */
async function askFirstQuestions(loaded: LoadedAdapter): Promise<void> {
  const schema = loaded.adapter.configSchema['~standard'];
  const result = await withinLimit(Promise.resolve(schema.validate({})), 'configSchema for an empty config');
  if (result.issues && result.issues.length === 0) {
    throw hostError('adapter_package_invalid', 'configSchema refuses a value without saying why: `issues` is empty.');
  }
  if (loaded.state !== 'ready') {
    const why = loaded.lastError === null ? '' : `: ${loaded.lastError.message}`;
    throw hostError('adapter_package_invalid', `The adapter went away while it was asked the first questions${why}`);
  }
}

async function withinLimit<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    const message = `The adapter gave no answer of ${what} within ${SMOKE_LIMIT_MS / 1000} s.`;
    timer = setTimeout(() => reject(hostError('adapter_package_invalid', message)), SMOKE_LIMIT_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** Two codes tell operators apart what matters to them: made for another version, or broken. `detail.reason` = the finer one. */
function packageError(name: string, error: unknown): AdapterError {
  const message = error instanceof Error ? error.message : String(error);
  const hostCode = isAdapterError(error) ? error.code : null;
  const code = hostCode === 'adapter_incompatible' ? 'adapter_incompatible' : 'adapter_package_invalid';
  return hostError(code, `The package ${name} cannot be used: ${message}`, {
    cause: error,
    detail: { reason: hostCode },
  });
}
