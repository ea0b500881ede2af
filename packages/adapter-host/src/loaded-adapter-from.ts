import type { AdapterV1 } from '@runbeat/adapter-sdk';
import type { AdapterLifecycle } from './adapter-lifecycle.js';
import type { LoadedAdapter } from './loaded-adapter.js';
import type { AdapterDescription } from './worker/messages.js';

export interface LoadedAdapterParts {
  readonly description: AdapterDescription;
  readonly version: string | null;
  readonly isolation: LoadedAdapter['isolation'];
  readonly adapter: AdapterV1;
  readonly lifecycle: AdapterLifecycle;
  close(): Promise<void>;
}

/** The two kinds of loaded adapter differ in their parts only; this is the whole that callers see. */
export function loadedAdapterFrom(parts: LoadedAdapterParts): LoadedAdapter {
  const { description, lifecycle } = parts;
  return {
    type: description.type,
    version: parts.version,
    isolation: parts.isolation,
    adapter: parts.adapter,
    capabilities: {
      liveness: description.liveness,
      hasOutOfProcessLiveness: description.liveness !== 'attached',
      canTestEnvironment: description.canTestEnvironment,
      interactive: description.interactive,
      maxConcurrentRuns: description.maxConcurrentRuns,
    },
    configJsonSchema: description.configJsonSchema,
    get state() {
      return lifecycle.state;
    },
    get lastError() {
      return lifecycle.lastError;
    },
    get runningRuns() {
      return lifecycle.runningRuns;
    },
    onStateChange: (listener) => lifecycle.onStateChange(listener),
    drain: (options) => lifecycle.drain(options),
    close: () => parts.close(),
  };
}
