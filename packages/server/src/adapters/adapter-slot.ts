import type { AdapterFault, LoadedAdapter } from '@runbeat/adapter-host';
import { isAdapterError } from '@runbeat/adapter-sdk';
import type { Adapter } from '@runbeat/protocol';
import { isServerError } from '../server-error.js';
import type { AdapterLookup } from '../supervisor/ports/index.js';

/** Where an adapter comes from. */
export type AdapterOrigin =
  /** Given by the program that embeds the server. */
  | { readonly kind: 'embedded'; readonly source: 'built-in' | 'code' }
  | { readonly kind: 'settings'; readonly source: string }
  | { readonly kind: 'installed'; readonly source: string; readonly revision: string; readonly installedAt: Date };

/** The package that a slot runs; null for an adapter that is an object. */
export interface SlotPackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string | null;
  /** Folder to delete when the slot is retired for good; null = not ours. */
  readonly folder: string | null;
}

export interface SlotFacts {
  readonly origin: AdapterOrigin;
  readonly package: SlotPackage | null;
  /** It took its type from another adapter on purpose: it alone answers for the type, also while it does not work. */
  readonly isOverride: boolean;
}

/**
 * One adapter type's place in the catalogue. States:
 * - *loading*: no adapter yet, one is being fetched or started (`fault` may tell of an earlier try);
 * - *filled*: `current` is set; its own state tells whether it is ready;
 * - *failed*: `current` is null and `fault` says why; the catalogue tries again;
 * - *retired*: takes no runs; `current` drains and goes.
 * `leaving` are the versions before, which end when their runs have.
 */
export interface AdapterSlot {
  readonly type: string;
  readonly facts: SlotFacts;
  readonly state: Adapter['state'];
  /** Runs of the current version and of those that are leaving. */
  readonly runningRuns: number;
  readonly isRetired: boolean;
  /** A version is loaded, whether or not it works at the moment. */
  readonly hasAdapter: boolean;
  /** New runs go to `loaded` from here on. Resolves when the version before has drained and is closed. */
  fill(loaded: LoadedAdapter, facts: SlotFacts): Promise<void>;
  /** The row changed, the running version did not. */
  restate(facts: SlotFacts): void;
  startLoading(): void;
  fail(error: unknown): void;
  /** Take no new runs; resolves when all have ended and the workers are gone. */
  retire(): Promise<void>;
  /** End everything now. */
  close(): Promise<void>;
  /** @param purpose `recover`: the run is at work already, so a worker that is being started again is waited for. */
  lookup(purpose: 'start' | 'recover'): AdapterLookup;
  view(): Adapter;
}

export function createAdapterSlot(type: string, initialFacts: SlotFacts, onChange: () => void): AdapterSlot {
  let facts = initialFacts;
  let current: LoadedAdapter | null = null;
  let stopListening = (): void => {};
  let fault: AdapterFault | null = null;
  let isLoading = false;
  let isRetired = false;
  const leaving = new Set<LoadedAdapter>();

  const drainAndClose = async (loaded: LoadedAdapter): Promise<void> => {
    leaving.add(loaded);
    await loaded.drain();
    await loaded.close();
    leaving.delete(loaded);
    onChange();
  };
  const state = (): Adapter['state'] => {
    if (isRetired) return 'removed';
    if (current) return current.state;
    return isLoading ? 'loading' : 'error';
  };
  const lastFault = (): AdapterFault | null => current?.lastError ?? fault;

  const slot: AdapterSlot = {
    type,
    get facts() {
      return facts;
    },
    get state() {
      return state();
    },
    get isRetired() {
      return isRetired;
    },
    get hasAdapter() {
      return current !== null;
    },
    get runningRuns() {
      return [current, ...leaving].reduce((sum, loaded) => sum + (loaded?.runningRuns ?? 0), 0);
    },
    async fill(loaded, next) {
      const old = current;
      stopListening();
      stopListening = loaded.onStateChange(onChange);
      current = loaded;
      facts = next;
      fault = null;
      isLoading = false;
      onChange();
      if (old) await drainAndClose(old);
    },
    restate(next) {
      facts = next;
      onChange();
    },
    startLoading() {
      isLoading = true;
      onChange();
    },
    fail(error) {
      fault = faultFrom(error);
      isLoading = false;
      onChange();
    },
    async retire() {
      isRetired = true;
      const old = current;
      current = null;
      stopListening();
      onChange();
      await Promise.all([...leaving].map((loaded) => loaded.drain()));
      if (old) await drainAndClose(old);
    },
    async close() {
      isRetired = true;
      stopListening();
      await Promise.all([current, ...leaving].map((loaded) => loaded?.close()));
    },
    lookup(purpose) {
      const isThere = !isRetired && (current?.state === 'ready' || (purpose === 'recover' && current?.state === 'loading'));
      if (current && isThere) return { found: true, adapter: current.adapter, version: current.version };
      return notFound(type, facts, state(), lastFault());
    },
    view: () => viewOf(slot, current, lastFault()),
  };
  return slot;
}

function notFound(type: string, facts: SlotFacts, state: Adapter['state'], fault: AdapterFault | null): AdapterLookup {
  const name = facts.package ? `${facts.package.name}@${facts.package.version}` : facts.origin.source;
  const why = fault === null ? '' : ` ${fault.message}`;
  switch (state) {
    case 'removed':
      return unavailable('adapter_unavailable', `The adapter ${type} (${name}) is being removed and takes no new runs.`);
    case 'error':
      return unavailable(fault?.code ?? 'adapter_unavailable', `The adapter ${type} (${name}) cannot be used.${why}`);
    case 'loading':
    case 'ready':
      return unavailable('adapter_unavailable', `The adapter ${type} (${name}) is being started.${why}`);
  }
}

function unavailable(code: string, message: string): AdapterLookup {
  return { found: false, state: 'unavailable', code, message };
}

function viewOf(slot: AdapterSlot, current: LoadedAdapter | null, fault: AdapterFault | null): Adapter {
  const { origin, package: ofPackage } = slot.facts;
  const capabilities = current?.capabilities;
  return {
    type: slot.type,
    state: slot.state,
    source: origin.source,
    packageName: ofPackage?.name ?? null,
    version: current?.version ?? ofPackage?.version ?? null,
    integrity: ofPackage?.integrity ?? null,
    isolation: origin.kind === 'embedded' ? 'in-process' : 'worker-thread',
    capabilities: {
      hasOutOfProcessLiveness: capabilities?.hasOutOfProcessLiveness ?? false,
      outOfProcessKind: capabilities && capabilities.liveness !== 'attached' ? capabilities.liveness : null,
      isInteractive: capabilities?.interactive != null,
      canTestEnvironment: capabilities?.canTestEnvironment ?? false,
      maxConcurrentRuns: capabilities?.maxConcurrentRuns ?? null,
    },
    configJsonSchema: (current?.configJsonSchema ?? null) as Adapter['configJsonSchema'],
    runningRuns: slot.runningRuns,
    lastError: fault,
    installedAt: origin.kind === 'installed' ? origin.installedAt.toISOString() : null,
  };
}

export function faultFrom(error: unknown): AdapterFault {
  const code = isServerError(error) || isAdapterError(error) ? error.code : 'internal_error';
  return { code, message: error instanceof Error ? error.message : String(error), at: new Date().toISOString() };
}
