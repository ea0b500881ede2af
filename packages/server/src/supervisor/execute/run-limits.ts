import { setLongTimer } from '../loops/wait.js';
import type { Run } from '../model/index.js';
import type { Clock } from '../ports/index.js';
import type { StopReason } from './stop-reason.js';

/**
 * The limits that every adapter gets for free: the stored deadline, the idle limit, and the one warning about silence.
 * Activity costs no timer: a timer that fires looks when the last activity was and waits for the rest.
 */
export interface RunLimits {
  end(): void;
}

export function startRunLimits(options: {
  readonly run: Pick<Run, 'deadlineAt' | 'timeoutMs' | 'idleTimeoutMs'>;
  readonly clock: Clock;
  readonly silenceWarningAfterMs: number;
  /** Last sign of life, by the monotonic clock. */
  readonly lastActivityMs: () => number;
  readonly onLimit: (reason: StopReason) => void;
  /** Called at most once. */
  readonly onSilence: () => void;
}): RunLimits {
  const { clock, run } = options;
  const cancels: (() => void)[] = [];
  let isEnded = false;

  const whenSilentFor = (spanMs: number, callback: () => void): void => {
    let cancel = (): void => undefined;
    const look = (): void => {
      if (isEnded) return;
      const leftMs = options.lastActivityMs() + spanMs - clock.monotonicMs();
      if (leftMs <= 0) callback();
      else cancel = setLongTimer(clock, leftMs, look);
    };
    cancel = setLongTimer(clock, spanMs, look);
    cancels.push(() => cancel());
  };

  if (run.deadlineAt) {
    const limitMs = run.timeoutMs ?? 0;
    const leftMs = run.deadlineAt.getTime() - clock.now().getTime();
    cancels.push(setLongTimer(clock, leftMs, () => options.onLimit({ kind: 'timed_out', limit: 'timeout', limitMs })));
  }
  const { idleTimeoutMs } = run;
  if (idleTimeoutMs !== null) {
    whenSilentFor(idleTimeoutMs, () => options.onLimit({ kind: 'timed_out', limit: 'idle_timeout', limitMs: idleTimeoutMs }));
  }
  whenSilentFor(options.silenceWarningAfterMs, options.onSilence);

  return {
    end() {
      isEnded = true;
      for (const cancel of cancels) cancel();
    },
  };
}
