import type { OutputStreamV1, RunResultV1 } from '@runbeat/adapter-sdk';

/** One thing that a scripted workload does by itself. Given as `{ steps: [...] }` in the config; played in order. */
export type ScriptedStep =
  | { readonly do: 'write'; readonly stream: OutputStreamV1; readonly text: string }
  /** Writes `ready <process id>` and a line end, as every workload of the conformance kit does. */
  | { readonly do: 'ready' }
  /** Writes the 10 MiB of the conformance kit. */
  | { readonly do: 'write10MiB' }
  | { readonly do: 'alive' }
  | { readonly do: 'wait'; readonly ms: number }
  /** From here on a polite request to stop is ignored. */
  | { readonly do: 'ignoreStop' }
  /** Starts a descendant and writes `grandchild <process id>`. */
  | { readonly do: 'grandchild' }
  | { readonly do: 'end'; readonly result: RunResultV1 };

/** What the scripted adapter's own schema accepts. Other members are kept: a test may mark its runs with them. */
export interface ScriptedConfig {
  /** Played as soon as the work starts; absent = the test drives the workload by hand. */
  readonly steps?: readonly ScriptedStep[];
  /** The work cannot be started: `execute` answers `failed` with `start_failed` and this message. */
  readonly failToStart?: string;
  readonly [name: string]: unknown;
}
