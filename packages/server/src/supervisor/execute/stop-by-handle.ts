import type { AdapterV1, Json } from '@runbeat/adapter-sdk';
import { errorMessageOf, type Run } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { withinLimit } from './within-limit.js';

export type StopByHandle =
  /** Nothing of the run is alive. */
  | { readonly done: true; readonly stopped: 'already_gone' | 'graceful' | 'forced' | 'nothing_to_stop' }
  /** Could not be made sure of; try again. */
  | { readonly done: false; readonly message: string };

/**
 * Ends a run's work from outside, by its handle alone: through the adapter where it works out of process, else through the
 * process table. Never rejects; "could not" is an answer.
 * @param adapter null when it is not registered; then only a process of this host can be ended.
 */
export async function stopByHandle(
  dependencies: Pick<SupervisorDependencies, 'clock' | 'processes' | 'settings'>,
  target: {
    readonly run: Pick<Run, 'id' | 'handle'>;
    readonly adapter: AdapterV1 | null;
    readonly config: Json | unknown;
    readonly reason: string;
    readonly graceMs: number;
  },
): Promise<StopByHandle> {
  const { clock, processes, settings } = dependencies;
  const { run, adapter } = target;
  const limitMs = target.graceMs + settings.drainLimitMs;
  try {
    if (adapter?.hasOutOfProcessLiveness) {
      const { outOfProcess } = adapter;
      const answer = await withinLimit(clock, limitMs, (signal) =>
        outOfProcess.terminate({ runId: run.id, handle: run.handle, config: target.config, reason: target.reason, signal }),
      );
      return answer.isLate ? tooLate(limitMs) : { done: true, stopped: answer.value.stopped };
    }
    const { handle } = run;
    if (handle?.kind !== 'process') {
      // An attached adapter without a process did its work inside the host; with the host (or its promise) it is over.
      return adapter ? { done: true, stopped: 'nothing_to_stop' } : { done: false, message: 'the adapter is not registered' };
    }
    const answer = await withinLimit(clock, limitMs, (signal) =>
      processes.terminate(handle, { runId: run.id, graceMs: target.graceMs, signal }),
    );
    return answer.isLate ? tooLate(limitMs) : { done: true, stopped: answer.value };
  } catch (error) {
    return { done: false, message: errorMessageOf(error) };
  }
}

function tooLate(limitMs: number): StopByHandle {
  return { done: false, message: `ending it took longer than ${limitMs} ms` };
}
