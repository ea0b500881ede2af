import type { AdapterV1 } from '@runbeat/adapter-sdk';
import type { RunPlacement } from '../model/index.js';

export type AdapterLookup =
  | { readonly found: true; readonly adapter: AdapterV1; readonly version: string | null }
  /** `missing`: not registered; `unavailable`: registered and not ready (loading, given up after crashes, runner offline). */
  | { readonly found: false; readonly state: 'missing' | 'unavailable'; readonly code: string; readonly message: string };

/** The adapters that this instance can run. A type that is missing is never answered by another one. */
export interface AdapterCatalog {
  /**
   * With a placement, the answer is an adapter that runs it there (a runner is an adapter to the supervisor). `recover`:
   * the run is there already, so that a place which takes no new run at the moment (busy, offline) is found all the same.
   */
  find(adapterType: string, placement: RunPlacement | null, purpose?: 'start' | 'recover'): AdapterLookup;
  /** Told when an adapter becomes available, changes or goes; waiting runs are looked at again. */
  onChange(listener: () => void): () => void;
}
