import { type LoadedAdapter, loadAdapter } from '@runbeat/adapter-host';
import { isAdapterError } from '@runbeat/adapter-sdk';
import { ServerError } from '../server-error.js';
import type { Clock, Logger } from '../supervisor/ports/index.js';
import type { InstallSettings } from './install-settings.js';
import { paperclipLifterFolder } from './paperclip-lifter.js';
import { workerEnvironment } from './worker-environment.js';

/** Longest that the first questions to an adapter may take, in ms. */
const SMOKE_LIMIT_MS = 10_000;

export interface PackageToLoad {
  /** The package's folder, or the folder that the settings name. */
  readonly folder: string;
  /** For messages and the log. */
  readonly name: string;
  readonly version?: string;
  readonly settings: InstallSettings;
}

export interface PackageLoader {
  /** Load an adapter package in a worker and ask it the first questions. Rejects with a code; nothing runs then. */
  load(source: PackageToLoad): Promise<LoadedAdapter>;
}

export interface PackageLoaderOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createPackageLoader(options: PackageLoaderOptions): PackageLoader {
  const { environment, clock, logger } = options;
  const lifterFolder = paperclipLifterFolder();
  return {
    async load({ folder, name, version, settings }) {
      const loaded = await loadAdapter({
        source: { kind: 'module', specifierOrPath: folder },
        isolation: 'worker',
        environment: workerEnvironment(environment, settings.environment),
        limits: settings.maxHeapMb === undefined ? {} : { maxHeapMb: settings.maxHeapMb },
        lifters: lifterFolder === null ? [] : [lifterFolder],
        clock,
        onOutput: (stream, text) => logger.info({ adapter: name, stream }, text.trimEnd()),
        ...(version === undefined ? {} : { version }),
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
    throw new ServerError('adapter_package_invalid', 'configSchema refuses a value without saying why: `issues` is empty.');
  }
  if (loaded.state !== 'ready') {
    const why = loaded.lastError === null ? '' : `: ${loaded.lastError.message}`;
    throw new ServerError('adapter_package_invalid', `The adapter went away while it was asked the first questions${why}`);
  }
}

async function withinLimit<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    const message = `The adapter gave no answer of ${what} within ${SMOKE_LIMIT_MS / 1000} s.`;
    timer = setTimeout(() => reject(new ServerError('adapter_package_invalid', message)), SMOKE_LIMIT_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The host's codes tell operators apart what matters to them: made for another version, or broken. */
function packageError(name: string, error: unknown): ServerError {
  const message = error instanceof Error ? error.message : String(error);
  const hostCode = isAdapterError(error) ? error.code : null;
  const code = hostCode === 'adapter_incompatible' ? 'adapter_incompatible' : 'adapter_package_invalid';
  return new ServerError(code, `The package ${name} cannot be used: ${message}`, {
    cause: error,
    evidence: { reason: hostCode },
  });
}
