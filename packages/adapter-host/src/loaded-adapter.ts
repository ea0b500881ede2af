import type { AdapterV1, Json } from '@runbeat/adapter-sdk';

/**
 * - `loading`: no worker at the moment; one is being started (first start, or after a crash).
 * - `ready`: calls are answered.
 * - `error`: given up after too many crashes; every call rejects with `adapter_unavailable`. Load the adapter anew.
 * - `removed`: closed, for good.
 */
export type AdapterState = 'loading' | 'ready' | 'error' | 'removed';

/** What an adapter can do, for lists and forms. */
export interface AdapterCapabilities {
  /** `attached`: the work ends with the host; the others go on without it. */
  readonly liveness: 'attached' | 'handle' | 'log-driven';
  readonly hasOutOfProcessLiveness: boolean;
  readonly canTestEnvironment: boolean;
  /** Null = holds no conversations. */
  readonly interactive: { readonly protocol: 'json-rpc-lines' | 'acp'; readonly canReattach: boolean } | null;
  /** Null = no limit. */
  readonly maxConcurrentRuns: number | null;
}

/** Why an adapter is not, or was not, ready. */
export interface AdapterFault {
  readonly code: string;
  readonly message: string;
  /** ISO time. */
  readonly at: string;
}

export interface AdapterStatus {
  readonly state: AdapterState;
  /** The last crash or failed start; null = none since the adapter was loaded. */
  readonly lastError: AdapterFault | null;
}

/** An adapter that is loaded, wherever it runs. Made by `loadAdapter` and `createInProcessAdapter`, closed by who made it. */
export interface LoadedAdapter extends AdapterStatus {
  readonly type: string;
  /** Of the package; null for one that was given as an object without a version. */
  readonly version: string | null;
  readonly isolation: 'in-process' | 'worker';
  /** Fulfils the contract itself; a supervisor needs nothing else. Stays the same object over restarts of the worker. */
  readonly adapter: AdapterV1;
  readonly capabilities: AdapterCapabilities;
  /** Null when the adapter's schema library gives none. */
  readonly configJsonSchema: Json;
  /** Calls of `execute` and `reattach` that have not settled, and open sessions. */
  readonly runningRuns: number;
  /** Told after each change of `state` or `lastError`; the returned function ends that. */
  onStateChange(listener: (status: AdapterStatus) => void): () => void;
  /**
   * Take no new runs and resolve when the running ones have settled. They are not aborted. Rejects with the signal's
   * reason when that comes first; the adapter then still takes no new runs.
   */
  drain(options?: { readonly signal?: AbortSignal }): Promise<void>;
  /** End it now: calls in flight reject with `adapter_closed`, a worker is ended. Idempotent. */
  close(): Promise<void>;
}
