import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { EnvironmentReportV1, TestContextV1 } from './environment-report-v1.js';
import type { ExecuteContextV1 } from './execute-context-v1.js';
import type { InteractiveV1 } from './interactive-v1.js';
import type { OutOfProcessV1 } from './out-of-process-v1.js';
import type { RunResultV1 } from './run-result-v1.js';

/** What every adapter has. */
export interface AdapterCoreV1<Config = unknown> {
  /** Checked at registration; the mark of compatibility, not the package's version. */
  readonly specVersion: 'adapter-v1';
  /** `^[a-z][a-z0-9_-]{0,62}$`, unique on a server. */
  readonly type: string;
  /** Used when an agent is saved and before each run. Unknown fields should be refused. */
  readonly configSchema: StandardSchemaV1<unknown, Config>;
  /** Runs at once on one host; absent = no limit. */
  readonly maxConcurrentRuns?: number;
  /** Start the work and settle when it has ended. Never rejects for what the workload did. */
  execute(context: ExecuteContextV1<Config>): Promise<RunResultV1>;
  /** Says whether an agent with this config could run, and how to mend what is missing. */
  testEnvironment?(context: TestContextV1<Config>): Promise<EnvironmentReportV1>;
  /** Present when the adapter can hold a conversation. */
  readonly interactive?: InteractiveV1<Config>;
}

/** The work ends with the host. */
export interface AttachedAdapterV1<Config = unknown> extends AdapterCoreV1<Config> {
  readonly hasOutOfProcessLiveness: false;
  readonly outOfProcess?: never;
}

/** The work goes on when the host dies, and `outOfProcess` says how to deal with it then. */
export interface OutOfProcessAdapterV1<Config = unknown> extends AdapterCoreV1<Config> {
  readonly hasOutOfProcessLiveness: true;
  readonly outOfProcess: OutOfProcessV1<Config>;
}

/**
 * An adapter. Authors write one with `defineAdapter`, which infers `Config`; hosts keep them erased in a
 * `Map<string, AdapterV1>` and parse the config with `configSchema` before they call anything.
 */
// biome-ignore lint/suspicious/noExplicitAny: the erased form must accept adapters of every Config; hosts parse first.
export type AdapterV1<Config = any> = AttachedAdapterV1<Config> | OutOfProcessAdapterV1<Config>;
