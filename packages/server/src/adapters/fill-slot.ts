import type { LoadedAdapter } from '@runbeat/adapter-host';
import { type AdapterSlot, createAdapterSlot, type SlotFacts } from './adapter-slot.js';
import type { CatalogContext } from './catalog-context.js';

/**
 * New runs of the type go to `loaded` from here on. The version before drains in the background; its folder is deleted
 * when nothing runs from it any more.
 */
export function fillSlot(
  context: CatalogContext,
  slot: AdapterSlot | null,
  loaded: LoadedAdapter,
  facts: SlotFacts,
): AdapterSlot {
  const { registry } = context;
  const target = slot ?? createAdapterSlot(loaded.type, facts, context.changed);
  const oldPackage = target.facts.package;
  if (!slot) registry.add(target);
  const drained = target.fill(loaded, facts).then(async () => {
    if (oldPackage?.folder != null) await removeUnusedFolder(context, oldPackage.name, oldPackage.folder);
  });
  context.track(`the version of ${target.type} before could not be put away`, drained);
  return target;
}

/** Under the package's lock: an install of the same version may be about to use the folder. */
export async function removeUnusedFolder(context: CatalogContext, packageName: string, folder: string): Promise<void> {
  await context.lock.run(packageName, async () => {
    const isUsed = context.registry.all().some((one) => one.facts.package?.folder === folder);
    if (!isUsed && !context.closing.aborted) await context.installer.remove(folder);
  });
}
