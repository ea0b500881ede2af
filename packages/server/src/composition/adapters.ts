import { createInProcessAdapter, type LoadedAdapter } from '@runbeat/adapter-host';
import type { AdapterV1 } from '@runbeat/adapter-sdk';
import type { AdapterAdministration } from '../http/adapters/adapter-administration.js';
import type { RunnerService } from '../runners/index.js';
import { ServerError } from '../server-error.js';
import type { AdapterCatalog } from '../supervisor/ports/index.js';

// INTERIM
export async function openAdapters(
  options: { inCode: readonly AdapterV1[]; runners: RunnerService } & Record<string, unknown>,
): Promise<{ catalog: AdapterCatalog; administration: AdapterAdministration; close(): Promise<void> }> {
  const loaded = new Map<string, LoadedAdapter>(options.inCode.map((adapter) => [adapter.type, createInProcessAdapter(adapter)]));
  const wire = (each: LoadedAdapter) => ({
    type: each.type,
    state: each.state,
    source: 'code',
    packageName: null,
    version: each.version,
    integrity: null,
    isolation: 'in-process' as const,
    capabilities: {
      hasOutOfProcessLiveness: each.capabilities.hasOutOfProcessLiveness,
      outOfProcessKind: each.capabilities.liveness === 'attached' ? null : each.capabilities.liveness,
      isInteractive: each.capabilities.interactive !== null,
      canTestEnvironment: each.capabilities.canTestEnvironment,
      maxConcurrentRuns: each.capabilities.maxConcurrentRuns,
    },
    configJsonSchema: each.configJsonSchema,
    runningRuns: each.runningRuns,
    lastError: null,
    installedAt: null,
  });
  const refuse = async (): Promise<never> => {
    throw new ServerError('adapter_unavailable', 'interim');
  };
  return {
    catalog: {
      find(type, placement) {
        if (placement) return options.runners.find(type, placement);
        const found = loaded.get(type);
        return found
          ? { found: true, adapter: found.adapter, version: found.version }
          : { found: false, state: 'missing', code: 'adapter_missing', message: `no adapter ${type}` };
      },
      onChange: (listener) => options.runners.onChange(listener),
    },
    administration: {
      list: async () => [...loaded.values()].map(wire) as never,
      get: async (type) => {
        const f = loaded.get(type);
        return f ? (wire(f) as never) : null;
      },
      add: refuse,
      update: refuse,
      remove: refuse,
      check: refuse,
      test: refuse,
    },
    close: async () => {
      for (const each of loaded.values()) await each.close();
    },
  };
}
