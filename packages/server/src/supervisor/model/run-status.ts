/** What a user sees. */
export const runStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out'] as const;
export type RunStatus = (typeof runStatuses)[number];

/** How far the execution is; null when the run is not `running`. */
export const runPhases = ['starting', 'attached', 'detached', 'reattaching', 'stopping'] as const;
export type RunPhase = (typeof runPhases)[number];

export type TerminalRunStatus = Exclude<RunStatus, 'queued' | 'running'>;

/** The one table of allowed moves. `queued → failed` is a run that can never start (adapter missing, config refused). */
export const runTransitions = {
  queued: ['running', 'cancelled', 'failed'],
  running: ['succeeded', 'failed', 'cancelled', 'timed_out'],
  succeeded: [],
  failed: [],
  cancelled: [],
  timed_out: [],
} as const satisfies Record<RunStatus, readonly RunStatus[]>;

export function isTerminalRunStatus(status: RunStatus): status is TerminalRunStatus {
  return runTransitions[status].length === 0;
}
