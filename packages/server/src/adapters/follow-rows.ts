import { type FollowedPackage, obtainPackage, planFollow, type RetryTimes } from '@runbeat/adapter-host';
import { ServerError } from '../server-error.js';
import { type AdapterSlot, createAdapterSlot } from './adapter-slot.js';
import type { CatalogContext } from './catalog-context.js';
import { fillSlot } from './fill-slot.js';
import { installSettingsFrom } from './install-settings.js';
import type { InstalledAdapter } from './installed-adapter-store.js';
import { retirePackage } from './retire-package.js';

/**
 * Brings this instance to what the rows say: one step a package, under its lock. A package that cannot be had stays as a
 * failed slot, so that everybody sees it, and is tried again; nothing else runs in its place.
 */
export async function followRows(context: CatalogContext, retries: RetryTimes): Promise<void> {
  const rows = await context.store.list();
  const steps = planFollow(rows, followedPackages(context));
  await Promise.all(
    steps.map((step) => {
      const name = step.step === 'retire' ? step.packageName : step.row.packageName;
      return context.lock.run(name, () => followPackage(context, name, retries));
    }),
  );
  await finishLeftRemovals(context, rows);
}

/** Plans again under the lock: an `add` of this instance may have done it meanwhile. */
async function followPackage(context: CatalogContext, packageName: string, retries: RetryTimes): Promise<void> {
  const rows = (await context.store.list()).filter((row) => row.packageName === packageName);
  const here = followedPackages(context).filter((one) => one.packageName === packageName);
  for (const step of planFollow(rows, here)) {
    const slot = context.registry.findPackage(packageName);
    switch (step.step) {
      case 'load':
      case 'switch':
        if (retries.isDue(packageName)) await loadRow(context, step.row, slot, retries);
        break;
      case 'restate':
        slot?.restate({ ...slot.facts, origin: originOf(step.row) });
        break;
      case 'retire':
        if (slot) retirePackage(context, slot);
        break;
    }
  }
}

async function loadRow(
  context: CatalogContext,
  row: InstalledAdapter,
  slot: AdapterSlot | null,
  retries: RetryTimes,
): Promise<void> {
  const { packageName: name, version, integrity } = row;
  const failing = slot ?? createAdapterSlot(row.adapterType, pendingFacts(row), context.changed);
  if (!slot) context.registry.add(failing);
  // While a version works, it goes on; the row's is told as failed only where there is none.
  failing.startLoading();
  try {
    const settings = installSettingsFrom(row.settings);
    const allowScripts = context.isInstallScriptsAllowed && settings.allowScripts;
    const { baseFolder, closing: signal } = context;
    const installed = await obtainPackage(context.installer, row, { allowScripts, baseFolder, signal });
    const loaded = await context.loader.load({ folder: installed.packageFolder, name, version, settings });
    try {
      if (loaded.type !== row.adapterType) {
        throw new ServerError(
          'adapter_package_invalid',
          `${name}@${version} is "${loaded.type}" and was registered as "${row.adapterType}".`,
        );
      }
      requireOwnType(context, failing, name);
    } catch (error) {
      await loaded.close();
      throw error;
    }
    fillSlot(context, failing, loaded, { origin: originOf(row), package: installed, isOverride: settings.override });
    retries.succeeded(name);
  } catch (error) {
    failing.fail(error);
    retries.failed(name);
    context.logger.error({ err: error, packageName: name, version, integrity }, 'An installed adapter cannot be used');
  }
}

function requireOwnType(context: CatalogContext, own: AdapterSlot, name: string): void {
  const other = context.registry.all().find((slot) => slot.type === own.type && slot !== own && !slot.isRetired);
  if (!other || own.facts.isOverride) return;
  const who = other.facts.package?.name ?? other.facts.origin.source;
  const message = `The adapter type "${own.type}" of ${name} is taken by ${who}. Remove one of them, or add ${name} with an explicit override.`;
  throw new ServerError('adapter_type_taken', message, { evidence: { type: own.type, wanted: name, holder: who } });
}

/** Removals that wait for runs of other instances, or were cut off by a restart. */
async function finishLeftRemovals(context: CatalogContext, rows: readonly InstalledAdapter[]): Promise<void> {
  for (const row of rows) {
    if (row.removalRequestedAt === null || context.registry.findPackage(row.packageName)) continue;
    const isLeaving = context.registry.all().some((slot) => slot.facts.package?.name === row.packageName);
    if (!isLeaving && (await context.countActiveRuns(row.adapterType)) === 0) await context.store.remove(row.packageName);
  }
}

/** One for each package: the live slot, or the one that is on its way out while there is no other. */
function followedPackages(context: CatalogContext): FollowedPackage[] {
  const byName = new Map<string, FollowedPackage>();
  for (const slot of context.registry.all()) {
    const { origin, package: ofPackage } = slot.facts;
    if (origin.kind !== 'installed' || !ofPackage) continue;
    const { name: packageName, integrity } = ofPackage;
    if (slot.isRetired && byName.has(packageName)) continue;
    // A slot without an adapter has nothing of its row yet.
    const version = slot.hasAdapter ? ofPackage.version : '';
    byName.set(packageName, { packageName, revision: origin.revision, version, integrity, isRetired: slot.isRetired });
  }
  return [...byName.values()];
}

function originOf(row: InstalledAdapter) {
  return { kind: 'installed', source: row.source, revision: row.revision, installedAt: row.installedAt } as const;
}

function pendingFacts(row: InstalledAdapter) {
  const { packageName: name, version, integrity } = row;
  return {
    origin: originOf(row),
    package: { name, version, integrity, folder: null },
    isOverride: installSettingsFrom(row.settings).override,
  };
}
