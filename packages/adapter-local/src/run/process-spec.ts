import type { RunFailureV1, RunUsageV1 } from '@runbeat/adapter-sdk';

/** A command and how to run it: what an author of a CLI adapter makes from its own config. */
export interface ProcessSpec {
  /** A path, or a name that is looked up on the workload's `PATH`. Never a shell line. */
  readonly command: string;
  readonly args?: readonly string[];
  /** Absent = the host's own working directory. */
  readonly cwd?: string;
  /** Added to what `workloadEnvironment` gives; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Text for stdin; null or absent = stdin is empty. */
  readonly stdin?: string | null;
  /** Time between the stop signal and SIGKILL. Default 10,000. */
  readonly graceMs?: number;
  /** Asks the command to stop. Default SIGTERM. */
  readonly signal?: NodeJS.Signals;
  /** Most bytes of stdout and of stderr, and of any file the command writes. Default 1 GiB. */
  readonly spoolLimitBytes?: number;
  /** Makes a reader of the command's stdout; absent = the exit code alone decides. Called once per result. */
  readonly createParser?: () => OutputParser;
}

/** Reads the lines of one run's stdout from first to last. Pure: the same lines give the same report. */
export interface OutputParser {
  /** @param line without its line end; lines over 1 MiB are left out. */
  push(line: string): void;
  /** @param exit what is known of the process's end. */
  finish(exit: { readonly succeeded: boolean }): OutputReport;
}

/** What the command said about its work. Absent members leave the result as the exit code makes it. */
export interface OutputReport {
  /** The command says that it failed, or why: replaces the failure that the exit code gives. */
  readonly failure?: Pick<RunFailureV1, 'code' | 'message' | 'retryable' | 'retryNotBefore'>;
  /** JSON that the next run of the same task key gets; see `RunResultV1.session`. */
  readonly session?: { readonly id: string };
  readonly usage?: RunUsageV1;
  readonly provider?: string;
  readonly model?: string;
  readonly costUsd?: number;
  readonly summary?: string;
}

export const defaultGraceMs = 10_000;
export const defaultSignal: NodeJS.Signals = 'SIGTERM';
export const defaultSpoolLimitBytes = 1_073_741_824;
