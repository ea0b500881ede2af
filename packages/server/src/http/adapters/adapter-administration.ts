import type { EnvironmentReportV1 } from '@runbeat/adapter-sdk';
import type { Adapter, AdapterCheckResult, JsonValue } from '@runbeat/protocol';

/**
 * Looking after adapters at run time. `createAdapterCatalog` in `src/adapters` gives one; the routes are a thin layer
 * over it. All reject with an error that carries a code (`adapter_not_found`, `adapter_type_taken`, …).
 */
export interface AdapterAdministration {
  list(): Promise<readonly Adapter[]>;
  /** Null = no adapter of this type is registered. */
  get(type: string): Promise<Adapter | null>;
  /** Stages, installs, loads, validates, then switches. The old state stays when a step fails. */
  add(input: { readonly spec: string; readonly allowScripts: boolean; readonly override: boolean }): Promise<Adapter>;
  /** @param input `spec` absent = the newest version that the recorded range allows. */
  update(type: string, input: { readonly spec?: string; readonly allowScripts: boolean }): Promise<Adapter>;
  /** Rejects while runs use it, unless `isForced`: then it goes once they have ended. */
  remove(type: string, options: { readonly isForced: boolean }): Promise<void>;
  /** Everything that `add` would do, but the switch. */
  check(input: { readonly spec: string; readonly allowScripts: boolean }): Promise<AdapterCheckResult>;
  /** Whether an agent with this config could run here; secrets are resolved as for a run. */
  test(type: string, adapterConfig: JsonValue, signal: AbortSignal): Promise<EnvironmentReportV1>;
}
