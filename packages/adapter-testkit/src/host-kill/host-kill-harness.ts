import type { LivenessV1, OutputStreamV1, RunHandleV1, RunResultV1, TerminationV1 } from '@runbeat/adapter-sdk';

/** Output as a host stored it: what it had acknowledged when it was killed. */
export interface StoredOutput {
  readonly stream: OutputStreamV1;
  readonly text: string;
  readonly cursor: string | null;
}

/** A host that executes one run and is going to be killed. */
export interface DoomedHost {
  /** Resolves with the JSON of the handle when the host has stored it. */
  readonly handle: Promise<RunHandleV1>;
  /** Resolves when what the host has stored is enough, or when the run has ended. */
  stored(isEnough: (output: readonly StoredOutput[]) => boolean): Promise<void>;
  /** SIGKILL, as power loss or `kill -9` would; resolves with what was stored when the host is gone. */
  kill(): Promise<readonly StoredOutput[]>;
}

export interface RunTarget {
  readonly runId: string;
  readonly handle: RunHandleV1;
  /** Raw, as in `scripts`: each host parses it anew. */
  readonly rawConfig: unknown;
}

/** Runs an adapter in hosts that can be killed, and in later ones that know nothing but what was stored. */
export interface HostKillHarness {
  execute(options: { readonly runId: string; readonly rawConfig: unknown }): Promise<DoomedHost>;
  probe(target: RunTarget): Promise<LivenessV1>;
  reattach(
    target: RunTarget & { readonly afterCursor: string | null },
  ): Promise<{ result: RunResultV1; output: readonly StoredOutput[] }>;
  terminate(target: RunTarget): Promise<TerminationV1>;
  /** Ends every host that is still there. */
  close(): Promise<void>;
}

/** The text of stdout and stderr in the order in which it was stored. */
export function storedText(output: readonly StoredOutput[]): string {
  return output.map(({ stream, text }) => (stream === 'system' ? '' : text)).join('');
}
