import { createInProcessAdapter, type LoadedAdapter } from '@runbeat/adapter-host';
import type { AdapterV1 } from '@runbeat/adapter-sdk';
import type { RunnerAdapter } from '@runbeat/protocol';

/**
 * The adapters of this runner, by type: those it was given, and those that are installed in its home. All of them are called
 * through the adapter-host, which checks their answers.
 */
export interface AdapterSet {
  /** For a job; null = there is none that works. */
  find(type: string): AdapterV1 | null;
  /** Those that take new work, for the server. */
  list(): RunnerAdapter[];
  given(): ReadonlySet<string>;
  replaceGiven(adapters: readonly (AdapterV1 | LoadedAdapter)[]): void;
  /** @param retired take no new work and are found by the jobs that have been claimed for them. */
  replaceInstalled(offered: readonly LoadedAdapter[], retired: readonly LoadedAdapter[]): void;
}

export function createAdapterSet(initial: readonly (AdapterV1 | LoadedAdapter)[]): AdapterSet {
  let given = loadAll(initial);
  let installed = new Map<string, LoadedAdapter>();
  let retired = new Map<string, LoadedAdapter>();
  return {
    find: (type) => [given, installed, retired].map((some) => some.get(type)).find(isUsable)?.adapter ?? null,
    list: () =>
      [...new Map([...installed, ...given]).values()].filter(isUsable).map(({ type, version, adapter }) => ({
        type,
        version,
        interactive: adapter.interactive?.protocol ?? null,
      })),
    given: () => new Set(given.keys()),
    replaceGiven(adapters) {
      given = loadAll(adapters);
    },
    replaceInstalled(nextOffered, nextRetired) {
      installed = new Map(nextOffered.map((loaded) => [loaded.type, loaded]));
      retired = new Map(nextRetired.map((loaded) => [loaded.type, loaded]));
    },
  };
}

function isUsable(loaded: LoadedAdapter | undefined): loaded is LoadedAdapter {
  return loaded !== undefined && loaded.state !== 'removed' && loaded.state !== 'error';
}

function loadAll(adapters: readonly (AdapterV1 | LoadedAdapter)[]): Map<string, LoadedAdapter> {
  return new Map(adapters.map((adapter) => [adapter.type, 'specVersion' in adapter ? createInProcessAdapter(adapter) : adapter]));
}
