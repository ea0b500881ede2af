import { randomUUID } from 'node:crypto';
import { runnerError } from '../runner-error.js';
import type { AdapterHome } from './adapter-home.js';
import type { InstalledAdapter } from './installed-list.js';

export interface RemoveAdapterRequest {
  readonly adapterType: string;
  /** A runner's process works from this home: it lets go of the adapter first. */
  readonly isRunnerAlive: boolean;
  /** Of the jobs on the disk. */
  readonly typesAtWork: ReadonlySet<string>;
}

/**
 * Takes an adapter out of the list. `leaving` = it takes no new work and goes with its last job: the runner's process, this
 * one or the next, deletes it then. Siblings are not touched: each package has a folder of its own.
 */
export async function removeAdapter(home: AdapterHome, request: RemoveAdapterRequest): Promise<'removed' | 'leaving'> {
  const { adapterType } = request;
  const isNeeded = request.isRunnerAlive || request.typesAtWork.has(adapterType);
  const outcome = await home.change(
    async (before): Promise<{ after: readonly InstalledAdapter[]; result: 'removed' | 'leaving' }> => {
      const entry = before.find((one) => one.adapterType === adapterType);
      if (!entry) {
        const known = before.map((one) => one.adapterType).join(', ') || 'none';
        throw runnerError(
          'runner_adapter_not_installed',
          `No adapter of the type "${adapterType}" is installed in ${home.folder}. Installed: ${known}.`,
        );
      }
      const others = before.filter((one) => one !== entry);
      if (!isNeeded) return { after: others, result: 'removed' };
      const leaving = { ...entry, removalRequestedAt: entry.removalRequestedAt ?? new Date(), revision: randomUUID() };
      return { after: [...others, leaving], result: 'leaving' };
    },
  );
  if (outcome === 'removed') await home.removeUnused(new Set());
  return outcome;
}
