import type { AbortReasonV1 } from '@runbeat/adapter-sdk';
import { endTree } from '@runbeat/adapter-sdk/processes';
import { readExitRecord } from '../capsule/exit-record.js';
import { readStopRecord, type StopRecord, writeStopRecord } from '../capsule/stop-record.js';
import { defaultGraceMs, defaultSignal } from './process-spec.js';
import { type SupervisedRun, workTree } from './supervised-run.js';

/**
 * Turns a run's signal into acts. `quiet` → `stopping` (cancel, limit, flood: the tree is being ended) or → `detached`
 * (shutdown, fenced: hands off). The first reason wins; there is no way back.
 */
export interface Stopper {
  /** Aborted when the run is to be left to others. */
  readonly detach: AbortSignal;
  readonly detached: Promise<'detached'>;
  /** Why the run was stopped here; null = it was not, or only for its flood of output. */
  readonly record: StopRecord | null;
  /** Ends the run because it wrote too much. */
  endFlood(): void;
  /** Resolves when no stop is under way any more. */
  settled(): Promise<void>;
  close(): void;
}

export function createStopper(run: SupervisedRun): Stopper {
  const detach = new AbortController();
  let stopping: Promise<void> | null = null;
  let record: StopRecord | null = null;
  const detached = new Promise<'detached'>((resolve) => {
    detach.signal.addEventListener('abort', () => resolve('detached'), { once: true });
  });

  const note = (next: StopRecord): void => {
    record = next;
    try {
      writeStopRecord(run.folder, next);
    } catch (error) {
      // A full disk must not keep the work alive. Only a later host would miss the reason.
      tell(
        run,
        'warn',
        'local.stop_not_recorded',
        `The reason of the stop could not be written down: ${(error as Error).message}`,
      );
    }
  };
  const end = async (): Promise<void> => {
    try {
      await endTree(workTree(run), {
        signal: run.spec.signal ?? defaultSignal,
        graceMs: run.spec.graceMs ?? defaultGraceMs,
        onForce: () => record !== null && note({ ...record, forced: true }),
        onStuck: (pids) =>
          tell(
            run,
            'error',
            'local.unkillable',
            `Processes ${pids.join(', ')} live on after SIGKILL: another user's, or stuck in the kernel. Still waiting for their end.`,
          ),
        abort: detach.signal,
      });
    } finally {
      run.wake.poke();
    }
  };
  const begin = (): void => {
    stopping ??= end();
    // Its failure is reported by `settled`; until somebody asks, it must not count as unhandled.
    stopping.catch(() => {});
  };
  const onAbort = (): void => {
    const reason = run.signal.reason as AbortReasonV1;
    if (reason.kind === 'host_shutdown' || reason.kind === 'fenced') {
      detach.abort(reason);
      run.wake.poke();
      return;
    }
    // What has ended by itself was not stopped. What was never let go, since it was stopped before, did not end by itself.
    const end = readExitRecord(run.folder);
    if (end !== null && end.kind !== 'not_started') return;
    note({ kind: reason.kind, ...(reason.limitMs === undefined ? {} : { limitMs: reason.limitMs }), forced: false });
    begin();
  };
  // An earlier host began to stop the run and was cut off: that goes on, whether or not this host knows of it.
  if (run.capsuleExited === undefined && readStopRecord(run.folder) !== null) {
    record = readStopRecord(run.folder);
    begin();
  }
  if (run.signal.aborted) onAbort();
  else run.signal.addEventListener('abort', onAbort, { once: true });

  return {
    detach: detach.signal,
    detached,
    get record() {
      return record;
    },
    endFlood: begin,
    async settled() {
      await stopping;
    },
    close: () => run.signal.removeEventListener('abort', onAbort),
  };
}

function tell(run: SupervisedRun, level: 'warn' | 'error', type: string, message: string): void {
  // An event that the host refuses has no other place to go; the stop itself matters more.
  run.sinks.onEvent({ type, level, message }).catch(() => {});
}
