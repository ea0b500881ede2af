import type { AdapterSlot } from './adapter-slot.js';
import type { CatalogContext } from './catalog-context.js';
import { removeUnusedFolder } from './fill-slot.js';

/**
 * Takes a package out: no new runs from now on; when the running ones have ended, its worker, row and folder go. The
 * caller holds the package's lock. Siblings are not touched: each package has a folder of its own.
 */
export function retirePackage(context: CatalogContext, slot: AdapterSlot): void {
  const { name, folder } = slot.facts.package ?? { name: slot.type, folder: null };
  const gone = slot.retire().then(async () => {
    context.registry.delete(slot);
    context.changed();
    if (context.closing.aborted) return;
    await context.lock.run(name, () => finishRemoval(context, slot));
    if (folder !== null) await removeUnusedFolder(context, name, folder);
  });
  context.track(`the adapter ${slot.type} could not be taken out`, gone);
}

/** The row of a forced removal goes with the last run, wherever that was. */
async function finishRemoval(context: CatalogContext, slot: AdapterSlot): Promise<void> {
  const name = slot.facts.package?.name;
  if (name === undefined || slot.facts.origin.kind !== 'installed') return;
  const row = (await context.store.list()).find((one) => one.packageName === name);
  if (!row || row.removalRequestedAt === null) return;
  if ((await context.countActiveRuns(slot.type)) > 0) return;
  await context.store.remove(name);
}
