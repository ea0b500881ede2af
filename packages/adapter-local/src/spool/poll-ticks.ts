/**
 * The moments at which spools are looked at, shared by all of this process: two hundred timers, each firing on its own,
 * cost several times what the looks themselves do. Looks are spread over the moments, so that none of them holds
 * everything else up.
 */
export interface PollTicks {
  /**
   * Calls back once, at the moment that is about `ms` away; one moment earlier when fewer wait for that one.
   * @returns takes the wish back.
   */
  after(ms: number, callback: () => void): () => void;
  /** A spool through which output flows; until it is left it counts for `steadyMs`. */
  join(): void;
  leave(): void;
  /** How long such a spool should wait between two looks: the more there are, the longer. */
  steadyMs(shortestMs: number): number;
}

const spacingMs = 25;
/** Looks a second that all spools share, as long as none waits longer than `longestMs` for that. */
const sharedLooks = 400;
const longestMs = 250;

export function createPollTicks(): PollTicks {
  /** Who waits for which moment, by its number since the process began. Whoever adds an earlier one sets the timer. */
  const waiting = new Map<number, Set<() => void>>();
  let timer: { readonly tick: number; readonly handle: NodeJS.Timeout } | null = null;
  let members = 0;

  const sizeAt = (tick: number): number => waiting.get(tick)?.size ?? 0;
  const setTimer = (): void => {
    const next = Math.min(...waiting.keys());
    if (timer?.tick === next) return;
    if (timer !== null) clearTimeout(timer.handle);
    timer = Number.isFinite(next)
      ? { tick: next, handle: setTimeout(fire, Math.max(1, Math.ceil(next * spacingMs - performance.now()))) }
      : null;
  };
  const fire = (): void => {
    timer = null;
    const present = Math.floor(performance.now() / spacingMs);
    for (const [tick, callbacks] of [...waiting]) {
      if (tick > present) continue;
      waiting.delete(tick);
      for (const callback of callbacks) callback();
    }
    setTimer();
  };

  return {
    after(ms, callback) {
      const present = Math.floor(performance.now() / spacingMs);
      const wanted = present + Math.max(1, Math.round(ms / spacingMs));
      const tick = wanted > present + 1 && sizeAt(wanted - 1) < sizeAt(wanted) ? wanted - 1 : wanted;
      const callbacks = waiting.get(tick) ?? new Set();
      waiting.set(tick, callbacks.add(callback));
      if (timer === null || tick < timer.tick) setTimer();
      return () => {
        if (!callbacks.delete(callback) || callbacks.size > 0) return;
        if (waiting.get(tick) === callbacks) waiting.delete(tick);
        // Other timers are left to fire in vain; the last one would keep the process alive.
        if (waiting.size === 0) setTimer();
      };
    },
    join() {
      members += 1;
    },
    leave() {
      members -= 1;
    },
    steadyMs: (shortestMs) => Math.min(longestMs, Math.max(shortestMs, (members * 1_000) / sharedLooks)),
  };
}
