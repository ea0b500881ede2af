import { resolve } from 'node:path';
import type { AdapterV1, Json } from '@runbeat/adapter-sdk';
import { hostError } from './adapter-host-error.js';
import { createAdapterLifecycle } from './adapter-lifecycle.js';
import { type HostClock, systemClock } from './host-clock.js';
import { createInProcessAdapter } from './in-process-adapter.js';
import { adapterFromModule } from './load/adapter-from-module.js';
import { resolveModule } from './load/resolve-module.js';
import type { LoadedAdapter } from './loaded-adapter.js';
import { loadedAdapterFrom } from './loaded-adapter-from.js';
import { createWorkerAdapter } from './proxy/worker-adapter.js';
import { startWorker } from './proxy/worker-connection.js';
import { createWorkerSource } from './proxy/worker-source.js';

export type AdapterSource =
  /** An object of this process. Cannot be isolated: it would have to be copied. */
  | { readonly kind: 'object'; readonly adapter: AdapterV1 }
  | {
      readonly kind: 'module';
      /** See `resolveModule`: file, package folder, or name of an installed package. */
      readonly specifierOrPath: string;
      /** Where relative paths and package names are looked up; absent = the current folder. */
      readonly fromFolder?: string;
      /** JSON for the module's `createAdapter(options)`; absent = called without. */
      readonly options?: Json;
    };

export interface LoadAdapterOptions {
  readonly source: AdapterSource;
  readonly isolation: 'in-process' | 'worker';
  /** All that an isolated adapter sees as `process.env`; absent = nothing at all. Without effect `in-process`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly limits?: {
    /** JavaScript heap of the worker. Default 512. */
    readonly maxHeapMb?: number;
    /** Buffers and other memory of the worker outside its heap. Default 512. */
    readonly maxExternalMb?: number;
    /** Until the adapter's module is loaded. Default 30,000. */
    readonly loadTimeoutMs?: number;
  };
  /** Paths of modules that export an `adapterLifter`, for packages written for other hosts. Absent = none. */
  readonly lifters?: readonly string[];
  /** For lists; absent = the version in the package's package.json. */
  readonly version?: string;
  /** What the worker writes to stdout and stderr, and why it ended. Absent = written to this process's stderr. */
  onOutput?(stream: 'stdout' | 'stderr', text: string): void;
  readonly clock?: HostClock;
  /** Gives the loading up; without effect once it is loaded. Without effect `in-process`. */
  readonly signal?: AbortSignal;
}

/**
 * Load an adapter. Resolves when it can take calls; rejects with `adapter_not_found`, `adapter_load_failed`,
 * `adapter_incompatible` or `adapter_invalid`, and nothing is left running then.
 */
export async function loadAdapter(options: LoadAdapterOptions): Promise<LoadedAdapter> {
  const { source, isolation } = options;
  if (source.kind === 'object') {
    if (isolation === 'in-process') {
      return createInProcessAdapter(source.adapter, options.version === undefined ? {} : { version: options.version });
    }
    throw hostError(
      'adapter_invalid',
      'An adapter object cannot be moved into a worker. Give its module, or load it in-process.',
    );
  }
  const fromFolder = resolve(source.fromFolder ?? '.');
  const { candidates, version, packageName } = await resolveModule(source.specifierOrPath, fromFolder);
  const lifters = (await Promise.all((options.lifters ?? []).map((path) => resolveModule(path, fromFolder)))).flatMap((lifter) =>
    lifter.candidates.slice(0, 1),
  );
  const module = { candidates: [...candidates], lifters, options: source.options };
  const knownVersion = options.version ?? version;
  if (isolation === 'in-process') {
    return createInProcessAdapter(await adapterFromModule(module), knownVersion === null ? {} : { version: knownVersion });
  }
  return await loadInWorker(options, packageName ?? source.specifierOrPath, module, knownVersion);
}

async function loadInWorker(
  options: LoadAdapterOptions,
  name: string,
  module: { candidates: string[]; lifters: string[]; options: unknown },
  version: string | null,
): Promise<LoadedAdapter> {
  const clock = options.clock ?? systemClock;
  const start = (signal: AbortSignal) =>
    startWorker({
      name,
      module,
      environment: options.environment ?? {},
      limits: {
        maxHeapMb: options.limits?.maxHeapMb ?? 512,
        maxExternalMb: options.limits?.maxExternalMb ?? 512,
        loadTimeoutMs: options.limits?.loadTimeoutMs ?? 30_000,
      },
      clock,
      onOutput: options.onOutput ?? ((_stream, text) => process.stderr.write(text)),
      onAbandoned: () => source?.replaceWhenIdle(),
      signal,
    });
  let source: ReturnType<typeof createWorkerSource> | null = null;
  const first = await start(options.signal ?? new AbortController().signal);
  const { description } = first;
  const lifecycle = createAdapterLifecycle(description.type, 'loading');
  const workers = createWorkerSource({ type: description.type, first, clock, lifecycle, start });
  source = workers;
  return loadedAdapterFrom({
    description,
    version,
    isolation: 'worker',
    adapter: createWorkerAdapter(description, workers, lifecycle),
    lifecycle,
    close: () => workers.close(hostError('adapter_closed', `The adapter ${description.type} was closed.`)),
  });
}
