/** Crashes within this time count together. */
export const CRASH_WINDOW_MS = 10 * 60_000;
/** So many crashes within the window and the adapter is given up. */
export const CRASH_LIMIT = 5;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;

export type RestartPlan = { readonly action: 'restart'; readonly delayMs: number } | { readonly action: 'give-up' };

/**
 * What to do after a crash.
 * @param crashesMs times of all crashes so far, this one last, on the clock of `nowMs`.
 */
export function planRestart(crashesMs: readonly number[], nowMs: number): RestartPlan {
  const recent = crashesMs.filter((at) => nowMs - at < CRASH_WINDOW_MS).length;
  if (recent >= CRASH_LIMIT) return { action: 'give-up' };
  return { action: 'restart', delayMs: Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (recent - 1)) };
}
