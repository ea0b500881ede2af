import type { Json } from '@runbeat/adapter-sdk';
import { programFile } from '../workload/program-file.js';

/**
 * A raw config for each behaviour that the kit needs. "Print" means to stdout, handed on while the work runs; every
 * `<pid>` is a process id that `isProcessAlive` understands (0 when there is no such thing).
 */
export interface ConformanceScripts {
  /** Prints `ready <pid>` and a line end, then ends well. */
  readonly exit0: unknown;
  /** Prints `ready <pid>`, works for about half a second, then ends with exit code 3 (or fails, where there are none). */
  readonly exit3: unknown;
  /** Prints `ready <pid>`, then works in silence until it is asked to stop, and ends when it is. */
  readonly runForever: unknown;
  /** The same, but ignores the request to stop. Set a short grace period (1 s) in this config. */
  readonly ignoreSigterm: unknown;
  /** Prints what `tenMebibytes()` gives, then ends well. */
  readonly write10MiB: unknown;
  /** Prints `splitMultibyteText` one byte at a time, then ends well. */
  readonly splitMultibyte: unknown;
  /**
   * Starts a descendant that leaves the process group and ignores a request to stop, prints `grandchild <pid>` and
   * `ready <pid>`, then works until it is asked to stop. Set a short grace period here, too.
   */
  readonly spawnGrandchild: unknown;
  /** Accepted by the schema, but the work cannot be started: a program that does not exist, a queue that is unknown. */
  readonly failToStart: unknown;
  /** Required when the adapter declares `interactive`. */
  readonly interactive?: InteractiveScripts;
}

export type ConformanceScriptName = Exclude<keyof ConformanceScripts, 'interactive'>;

/** Configs for agents that hold a conversation. */
export interface InteractiveScripts {
  /** Answers each prompt. */
  readonly answers: unknown;
  /** Takes a prompt and works on it until it is cancelled; then settles it. */
  readonly worksUntilCancelled: unknown;
  /** Ends (exit code 7) as soon as it gets a prompt. */
  readonly diesOnPrompt: unknown;
  /** Closes its stdin right after the start and lives on. */
  readonly closesStdin: unknown;
  /** A prompt in the form that the adapter's protocol takes. */
  readonly prompt: Json;
}

export const conformanceScriptNames = [
  'exit0',
  'exit3',
  'runForever',
  'ignoreSigterm',
  'write10MiB',
  'splitMultibyte',
  'spawnGrandchild',
  'failToStart',
] as const satisfies readonly ConformanceScriptName[];

/**
 * All scripts for an adapter that runs a command: the kit brings a program for each behaviour, `configFor` puts it into
 * your config. The program needs Node and this package on the machine where the work runs.
 */
export function commandScripts(configFor: (command: string, args: readonly string[]) => unknown): ConformanceScripts {
  const scriptFor = (name: ConformanceScriptName): unknown =>
    configFor(process.execPath, [programFile('conformance-workload'), name]);
  return {
    exit0: scriptFor('exit0'),
    exit3: scriptFor('exit3'),
    runForever: scriptFor('runForever'),
    ignoreSigterm: scriptFor('ignoreSigterm'),
    write10MiB: scriptFor('write10MiB'),
    splitMultibyte: scriptFor('splitMultibyte'),
    spawnGrandchild: scriptFor('spawnGrandchild'),
    failToStart: configFor('runbeat-conformance-no-such-command', []),
  };
}
