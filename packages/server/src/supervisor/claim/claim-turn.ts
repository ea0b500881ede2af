/**
 * Lets one claim of this process follow the other: each counts what the one before has taken. A turn lasts from before the
 * slots are counted until the claimed runs are counted as running.
 */
export interface ClaimTurn {
  /** Waits for the turn. */
  run<T>(claim: () => Promise<T>): Promise<T>;
  /** The turn, if nobody has it or waits for it; given back by calling what is returned, once. */
  tryTake(): (() => void) | null;
}

export function createClaimTurn(): ClaimTurn {
  let last: Promise<void> = Promise.resolve();
  /** Those that have the turn or wait for it. */
  let count = 0;

  const join = (): { readonly before: Promise<void>; readonly leave: () => void } => {
    const before = last;
    let resolve = (): void => undefined;
    last = new Promise((done) => {
      resolve = done;
    });
    count += 1;
    return {
      before,
      leave() {
        count -= 1;
        resolve();
      },
    };
  };
  return {
    async run(claim) {
      const { before, leave } = join();
      try {
        await before;
        return await claim();
      } finally {
        leave();
      }
    },
    tryTake: () => (count > 0 ? null : join().leave),
  };
}
