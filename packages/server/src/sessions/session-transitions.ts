export const sessionStates = [
  'stopped',
  'starting',
  'idle',
  'busy',
  'cancelling',
  'restarting',
  'stopping',
  'error',
  'crashed',
] as const;
export type SessionState = (typeof sessionStates)[number];

export const sessionReasons = [
  'start',
  'prompt',
  'prompt_complete',
  'prompt_error',
  'cancelled',
  'cancel_timeout',
  'process_exit',
  'process_signal',
  'oom',
  'stdin_broken',
  'write_timeout',
  'protocol_error',
  'start_failed',
  'stop',
  'restart',
] as const;
export type SessionReason = (typeof sessionReasons)[number];

/**
 * What can happen to a session.
 * - `start`, `prompt`, `cancel`, `restart`, `stop`: somebody asked for it.
 * - `ready`: the worker is up and nothing waits for it; `ready_with_prompt`: a prompt does.
 * - `settled`: the prompt in flight was completed, failed or was cancelled by the agent.
 * - `broken`: stdin was broken or a write hung; the worker is being ended.
 * - `cancel_overdue`: the agent did not react to the cancel in time; the worker is being ended.
 * - `ended_well`: the process ended by itself with code 0 and nothing in flight; `ended`: in any other way.
 * - `start_failed`: the worker could not be started.
 */
export const sessionEvents = [
  'start',
  'prompt',
  'cancel',
  'restart',
  'stop',
  'ready',
  'ready_with_prompt',
  'settled',
  'broken',
  'cancel_overdue',
  'ended_well',
  'ended',
  'start_failed',
] as const;
export type SessionEvent = (typeof sessionEvents)[number];

/** `refused`: the asker is told why not. `ignored`: it happened too late to mean anything. */
export type Transition = SessionState | 'refused' | 'ignored';

/** Every pair is decided here; the test walks all of them. */
export const sessionTransitions = {
  stopped: {
    start: 'starting',
    prompt: 'starting',
    cancel: 'ignored',
    restart: 'starting',
    stop: 'stopped',
    ready: 'ignored',
    ready_with_prompt: 'ignored',
    settled: 'ignored',
    broken: 'ignored',
    cancel_overdue: 'ignored',
    ended_well: 'ignored',
    ended: 'ignored',
    start_failed: 'ignored',
  },
  starting: {
    start: 'starting',
    prompt: 'starting',
    cancel: 'starting',
    restart: 'refused',
    stop: 'stopping',
    ready: 'idle',
    ready_with_prompt: 'busy',
    settled: 'starting',
    broken: 'error',
    cancel_overdue: 'ignored',
    ended_well: 'crashed',
    ended: 'crashed',
    start_failed: 'crashed',
  },
  idle: {
    start: 'idle',
    prompt: 'busy',
    cancel: 'ignored',
    restart: 'restarting',
    stop: 'stopping',
    ready: 'ignored',
    ready_with_prompt: 'ignored',
    settled: 'ignored',
    broken: 'error',
    cancel_overdue: 'ignored',
    ended_well: 'stopped',
    ended: 'crashed',
    start_failed: 'ignored',
  },
  busy: {
    start: 'busy',
    prompt: 'refused',
    cancel: 'cancelling',
    restart: 'restarting',
    stop: 'stopping',
    ready: 'ignored',
    ready_with_prompt: 'ignored',
    settled: 'idle',
    broken: 'error',
    cancel_overdue: 'ignored',
    ended_well: 'crashed',
    ended: 'crashed',
    start_failed: 'ignored',
  },
  cancelling: {
    start: 'cancelling',
    prompt: 'refused',
    cancel: 'cancelling',
    restart: 'restarting',
    stop: 'stopping',
    ready: 'ignored',
    ready_with_prompt: 'ignored',
    settled: 'idle',
    broken: 'error',
    cancel_overdue: 'error',
    ended_well: 'crashed',
    ended: 'crashed',
    start_failed: 'ignored',
  },
  restarting: {
    start: 'restarting',
    prompt: 'refused',
    cancel: 'ignored',
    restart: 'restarting',
    stop: 'stopping',
    ready: 'ignored',
    ready_with_prompt: 'ignored',
    settled: 'restarting',
    broken: 'ignored',
    cancel_overdue: 'ignored',
    ended_well: 'starting',
    ended: 'starting',
    start_failed: 'ignored',
  },
  stopping: {
    start: 'refused',
    prompt: 'refused',
    cancel: 'ignored',
    restart: 'refused',
    stop: 'stopping',
    ready: 'ignored',
    ready_with_prompt: 'ignored',
    settled: 'stopping',
    broken: 'ignored',
    cancel_overdue: 'ignored',
    ended_well: 'stopped',
    ended: 'stopped',
    start_failed: 'stopped',
  },
  error: {
    start: 'starting',
    prompt: 'starting',
    cancel: 'ignored',
    restart: 'starting',
    stop: 'stopped',
    ready: 'ignored',
    ready_with_prompt: 'ignored',
    settled: 'ignored',
    broken: 'ignored',
    cancel_overdue: 'ignored',
    ended_well: 'error',
    ended: 'error',
    start_failed: 'ignored',
  },
  crashed: {
    start: 'starting',
    prompt: 'starting',
    cancel: 'ignored',
    restart: 'starting',
    stop: 'stopped',
    ready: 'ignored',
    ready_with_prompt: 'ignored',
    settled: 'ignored',
    broken: 'ignored',
    cancel_overdue: 'ignored',
    ended_well: 'ignored',
    ended: 'ignored',
    start_failed: 'ignored',
  },
} as const satisfies Record<SessionState, Record<SessionEvent, Transition>>;

/** States in which a worker process may be alive. */
export function mayHaveWorker(state: SessionState): boolean {
  return state !== 'stopped' && state !== 'crashed';
}
