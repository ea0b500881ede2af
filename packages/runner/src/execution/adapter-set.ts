import { createInProcessAdapter, type LoadedAdapter } from '@runbeat/adapter-host';
import type { AdapterV1 } from '@runbeat/adapter-sdk';
import type { RunnerAdapter } from '@runbeat/protocol';

/** The adapters of this runner, by type. All of them are called through the adapter-host, which checks their answers. */
export interface AdapterSet {
  find(type: string): AdapterV1 | null;
  list(): RunnerAdapter[];
  replace(adapters: readonly (AdapterV1 | LoadedAdapter)[]): void;
}

export function createAdapterSet(initial: readonly (AdapterV1 | LoadedAdapter)[]): AdapterSet {
  let byType = loadAll(initial);
  return {
    find(type) {
      const loaded = byType.get(type);
      return loaded && loaded.state !== 'removed' && loaded.state !== 'error' ? loaded.adapter : null;
    },
    list: () =>
      [...byType.values()].map(({ type, version, adapter }) => ({
        type,
        version,
        interactive: adapter.interactive?.protocol ?? null,
      })),
    replace(adapters) {
      byType = loadAll(adapters);
    },
  };
}

function loadAll(adapters: readonly (AdapterV1 | LoadedAdapter)[]): Map<string, LoadedAdapter> {
  return new Map(adapters.map((adapter) => [adapter.type, 'specVersion' in adapter ? createInProcessAdapter(adapter) : adapter]));
}
