import type { LivenessV1, LogMarkV1, OutputStreamV1, RunHandleV1, RunResultV1, TerminationV1 } from '@runbeat/adapter-sdk';

/** From the test to a forked host: its one task. */
export type HostTask = { readonly adapterModule: string; readonly runId: string; readonly rawConfig: unknown } & (
  | { readonly kind: 'execute' }
  | { readonly kind: 'probe'; readonly handle: RunHandleV1 }
  | { readonly kind: 'reattach'; readonly handle: RunHandleV1; readonly afterCursor: string | null }
  | { readonly kind: 'terminate'; readonly handle: RunHandleV1 }
);

/** From the test: message `id` is stored. */
export interface HostAcknowledgement {
  readonly kind: 'stored';
  readonly id: number;
}

/** From a forked host to the test, in the order in which things happened. */
export type HostMessage =
  | { readonly kind: 'spawn'; readonly id: number; readonly handle: RunHandleV1 }
  | {
      readonly kind: 'log';
      readonly id: number;
      readonly stream: OutputStreamV1;
      readonly text: string;
      readonly mark: LogMarkV1;
    }
  | { readonly kind: 'result'; readonly result: RunResultV1 }
  | { readonly kind: 'liveness'; readonly liveness: LivenessV1 }
  | { readonly kind: 'termination'; readonly termination: TerminationV1 }
  | { readonly kind: 'error'; readonly message: string };
