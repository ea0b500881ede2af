import { type FSWatcher, watch } from 'node:fs';
import type { RunnerClock } from '../runner-clock.js';
import { installedListName } from './installed-list.js';

/**
 * Calls `onChange` at once when the list in the folder is replaced, where the system can tell, and every `everyMs` in any
 * case: a watch may miss changes (network file systems, a folder that was replaced), a look does not.
 */
export function watchInstalledList(options: {
  readonly folder: string;
  readonly everyMs: number;
  readonly clock: RunnerClock;
  onChange(): void;
}): () => void {
  const { folder, clock, everyMs, onChange } = options;
  let watcher: FSWatcher | null = null;
  try {
    watcher = watch(folder, { persistent: false }, (_event, name) => {
      if (name === null || name === installedListName) onChange();
    });
    // Out of watches, or the folder is gone: the looks go on.
    watcher.on('error', () => watcher?.close());
  } catch {
    // As above.
  }
  let cancel = (): void => {};
  const again = (): void => {
    cancel = clock.setTimer(everyMs, () => {
      onChange();
      again();
    });
  };
  again();
  return () => {
    cancel();
    watcher?.close();
  };
}
