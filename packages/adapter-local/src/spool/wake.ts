import { type FSWatcher, watch } from 'node:fs';
import { createPollTicks } from './poll-ticks.js';

/** One for all spools of this process, as it has one event loop. */
const ticks = createPollTicks();

/** Tells when it is worth looking at a folder's files again. */
export interface Wake {
  /**
   * Resolves `changed` when something may have changed, `quiet` when nothing did for the safety interval.
   * @param hasMoved whether the look before this wait found something new.
   */
  next(hasMoved: boolean): Promise<'changed' | 'quiet'>;
  /** End the present wait, or the next one, at once. */
  poke(): void;
  close(): void;
}

export interface WakeOptions {
  /** Between two looks while output flows; twice as long once it has flown for a while, and longer where many flow. */
  readonly pollMs?: number;
  /** A file system may lose a notice; look anyway after this time. */
  readonly safetyMs?: number;
  /** How many notices in quick succession are followed one by one before polling begins; Infinity = always follow. */
  readonly burst?: number;
}

/**
 * Two modes. `watching`: the system's notice wakes at once; for the first byte, for rare lines, for the end. `polling`:
 * output flows, and a notice per write would cost more than it saves, so the watch is closed and time alone wakes. Many
 * notices in quick succession lead to `polling`, some looks in vain back to `watching`. Where no watch can be had (the
 * system's limit is reached) it stays with polling.
 */
export function createWake(folderPath: string, options: WakeOptions = {}): Wake {
  const pollMs = options.pollMs ?? 25;
  const safetyMs = options.safetyMs ?? 1_000;
  const burst = options.burst ?? 12;
  let watcher: FSWatcher | null = null;
  let canWatch = true;
  let isPending = false;
  let isPolling = false;
  let resume: ((answer: 'changed' | 'quiet') => void) | null = null;
  let looksInVain = 0;
  /** Polls since the watch was closed. */
  let polls = 0;
  let quickWakes = 0;
  let lastWakeAt = 0;

  const poke = (): void => {
    if (resume === null) isPending = true;
    else resume('changed');
  };
  const poll = (is: boolean): void => {
    if (is === isPolling) return;
    isPolling = is;
    if (is) ticks.join();
    else ticks.leave();
  };
  const closeWatch = (): void => {
    watcher?.close();
    watcher = null;
    poll(true);
  };
  const openWatch = (): boolean => {
    if (!canWatch) return false;
    try {
      watcher = watch(folderPath, { persistent: true }, poke);
    } catch {
      canWatch = false;
      poll(true);
      return false;
    }
    poll(false);
    watcher.on('error', () => {
      canWatch = false;
      closeWatch();
      poke();
    });
    return true;
  };
  const wait = (ms: number): Promise<'changed' | 'quiet'> => {
    if (isPending) {
      isPending = false;
      return Promise.resolve('changed');
    }
    return new Promise((resolve) => {
      const cancel = ticks.after(ms, () => resume?.('quiet'));
      resume = (answer) => {
        cancel();
        resume = null;
        resolve(answer);
      };
    });
  };
  const follow = async (): Promise<'changed' | 'quiet'> => {
    const answer = await wait(safetyMs);
    const now = performance.now();
    quickWakes = answer === 'changed' && now - lastWakeAt < pollMs ? quickWakes + 1 : 0;
    lastWakeAt = now;
    if (quickWakes > burst) {
      closeWatch();
      looksInVain = 0;
      polls = 0;
    }
    return answer;
  };

  openWatch();
  return {
    async next(hasMoved) {
      if (watcher !== null) return await follow();
      looksInVain = hasMoved ? 0 : looksInVain + 1;
      // After the watch opened, one more look: what came between the last look and the opening gave no notice.
      if (looksInVain > 4 && openWatch()) {
        quickWakes = 0;
        return 'changed';
      }
      polls += 1;
      const steadyMs = ticks.steadyMs(polls > 20 ? pollMs * 2 : pollMs);
      await wait(canWatch || looksInVain < 20 ? steadyMs : Math.min(pollMs * 8, safetyMs));
      return looksInVain > 0 && !canWatch ? 'quiet' : 'changed';
    },
    poke,
    close() {
      closeWatch();
      poll(false);
      canWatch = false;
      poke();
    },
  };
}
