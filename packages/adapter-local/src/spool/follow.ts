import type { Wake } from './wake.js';

/** What a look at the files found: nothing new, something, or so much that there is probably more. */
export type Look = 'nothing' | 'some' | 'full';

export interface FollowOptions {
  readonly wake: Wake;
  /** Asked before every look: true = nobody will write any more. */
  hasEnded(): boolean | Promise<boolean>;
  /** Reads what is new and hands it on. */
  look(): Promise<Look>;
  /** Called after every look; `isQuiet` = nothing had changed for the safety interval. */
  afterLook?(look: { readonly isQuiet: boolean }): void | Promise<void>;
  /** Aborted = stop following, leave everything as it is. */
  readonly detach: AbortSignal;
}

/**
 * Looks again and again until nobody writes any more and a look after that has found nothing.
 * @returns whether it came that far; false = detached before.
 */
export async function followUntilEnd(options: FollowOptions): Promise<boolean> {
  let isQuiet = false;
  while (!options.detach.aborted) {
    // Asked before reading: what is read after the end is all there will ever be.
    const hasEnded = await options.hasEnded();
    const found = await options.look();
    if (hasEnded && found === 'nothing') return !options.detach.aborted;
    await options.afterLook?.({ isQuiet });
    isQuiet = false;
    if (hasEnded) continue;
    if (found === 'full') {
      // There is more: no wait, but everything else in this process gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
    } else {
      isQuiet = (await options.wake.next(found !== 'nothing')) === 'quiet';
    }
  }
  return false;
}

/** The larger of two looks. */
export function mostOf(first: Look, second: Look): Look {
  if (first === 'full' || second === 'full') return 'full';
  return first === 'some' || second === 'some' ? 'some' : 'nothing';
}
