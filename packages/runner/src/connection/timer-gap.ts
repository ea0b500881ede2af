import type { RunnerClock } from '../runner-clock.js';

const LOOK_EVERY_MS = 1_000;

/**
 * Notices that this process did not run: the machine slept (the monotonic clock may stand still then, the wall clock
 * does not) or the process was stopped. `limitMs` is asked anew each time.
 */
export function watchTimerGaps(options: {
  readonly clock: RunnerClock;
  limitMs(): number;
  onTick(): void;
  onGap(gapMs: number): void;
}): () => void {
  const { clock } = options;
  let cancel: () => void = () => undefined;
  let isEnded = false;
  const look = (): void => {
    const everyMs = Math.min(LOOK_EVERY_MS, Math.max(10, Math.floor(options.limitMs() / 4)));
    const wallMs = clock.now().getTime();
    const monotonicMs = clock.monotonicMs();
    cancel = clock.setTimer(everyMs, () => {
      const gapMs = Math.max(clock.now().getTime() - wallMs, clock.monotonicMs() - monotonicMs) - everyMs;
      if (gapMs > options.limitMs()) options.onGap(gapMs);
      options.onTick();
      if (!isEnded) look();
    });
  };
  look();
  return () => {
    isEnded = true;
    cancel();
  };
}
