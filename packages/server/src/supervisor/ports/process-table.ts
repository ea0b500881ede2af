import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';

/**
 * - `alive`: pid, start time and boot are those of the handle, and it is no zombie.
 * - `gone`: no such process, a zombie, another boot, or the pid was reused by a stranger (`isReused`).
 * - `elsewhere`: the handle is of another host.
 * - `unknown`: could not find out (EPERM, no start time).
 */
export type ProcessState =
  | { readonly state: 'alive' }
  | { readonly state: 'gone'; readonly isReused: boolean; readonly livingGroupMembers: number }
  | { readonly state: 'elsewhere' }
  | { readonly state: 'unknown'; readonly message: string };

/** Processes of this host, for attached runs whose host died. A stranger is never signalled. */
export interface ProcessTable {
  inspect(handle: ProcessHandleV1, runId: string): Promise<ProcessState>;
  /** TERM, grace, KILL to the handle's group and to descendants that carry the run's cookie; resolves when none is left. */
  terminate(
    handle: ProcessHandleV1,
    options: { readonly runId: string; readonly graceMs: number; readonly signal?: AbortSignal },
  ): Promise<'already_gone' | 'graceful' | 'forced'>;
  /** Whether this very process (pid, start ticks, boot) still runs here; null = another host or unknown. */
  isInstanceAlive(instance: {
    host: string;
    pid: number;
    hostBootId: string;
    processStartTicks: string | null;
  }): Promise<boolean | null>;
  readonly self: {
    readonly host: string;
    readonly pid: number;
    readonly hostBootId: string;
    readonly processStartTicks: string | null;
  };
}
