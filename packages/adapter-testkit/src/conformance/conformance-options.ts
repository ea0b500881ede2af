import type { AdapterV1 } from '@runbeat/adapter-sdk';
import type { HostKillHarness } from '../host-kill/host-kill-harness.js';
import type { ConformanceScripts } from './scripts.js';

/** `test` of vitest, jest or node:test. The third argument is the limit in milliseconds; node:test ignores it. */
export type RegisterTest = (title: string, run: () => Promise<void>, limitMs: number) => unknown;

export interface ConformanceOptions {
  readonly test: RegisterTest;
  /** Called once for the registration (to see what is declared) and once in each test. Synchronous. */
  readonly createAdapter: () => AdapterV1;
  readonly scripts: ConformanceScripts;
  /**
   * Path or `file:` URL of the built module that exports the adapter (default export, or `createAdapter`), for the
   * tests that kill its host. Required when `outOfProcess.kind` is `handle`, unless `hostKill` is given.
   */
  readonly adapterModule?: string | URL;
  /** Stands in for the harness that forks real hosts: for adapters whose work lives in this process (fakes). */
  readonly hostKill?: HostKillHarness;
  /** Whether a process id that the work printed stands for something that runs. Default: a process of this machine. */
  readonly isProcessAlive?: (pid: number) => boolean | Promise<boolean>;
  /**
   * Takes away what the adapter asks when it probes (a service, an API), and gives a function that brings it back.
   * Given = the kit also tests that a probe answers `unknown` meanwhile.
   */
  readonly makeUnreachable?: () => Promise<() => Promise<void>>;
  /** The longest that one test may take. Default 30,000. */
  readonly limitMs?: number;
}
