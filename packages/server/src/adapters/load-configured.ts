import { stat } from 'node:fs/promises';
import { parsePackageSpec, type RetryTimes, resolveModule } from '@runbeat/adapter-host';
import { ServerError } from '../server-error.js';
import { type AdapterSlot, createAdapterSlot, type SlotPackage } from './adapter-slot.js';
import type { CatalogContext } from './catalog-context.js';
import { fillSlot } from './fill-slot.js';
import type { InstallSettings } from './install-settings.js';

/** An adapter that the server settings name. */
export interface ConfiguredAdapter {
  readonly source: string;
  readonly settings: InstallSettings;
}

/**
 * Loads the adapters of the settings: a folder where it lies, a package or tarball from its install. One that cannot be
 * had is shown under its source, since its type is not known, and is tried again.
 */
export async function loadConfigured(
  context: CatalogContext,
  configured: readonly ConfiguredAdapter[],
  retries: RetryTimes,
): Promise<void> {
  await Promise.all(configured.map((one) => context.lock.run(`settings ${one.source}`, () => loadOne(context, one, retries))));
}

async function loadOne(context: CatalogContext, configured: ConfiguredAdapter, retries: RetryTimes): Promise<void> {
  const { registry } = context;
  const { source, settings } = configured;
  const placeholder = registry.all().find((slot) => slot.facts.origin.kind === 'settings' && slot.facts.origin.source === source);
  if (placeholder?.hasAdapter || !retries.isDue(source)) return;
  const waiting = placeholder ?? createPlaceholder(context, source);
  waiting.startLoading();
  try {
    const found = await obtain(context, configured);
    const { name, version } = found.package;
    if (registry.findPackage(name)) {
      context.logger.info({ source, packageName: name }, 'A package of the settings was added at run time too; that one is used');
      registry.delete(waiting);
      return;
    }
    const loaded = await context.loader.load({ folder: found.packageFolder, name, version, settings });
    try {
      registry.requireFree(loaded.type, { name, override: settings.override });
    } catch (error) {
      await loaded.close();
      throw error;
    }
    registry.delete(waiting);
    const origin = { kind: 'settings', source } as const;
    fillSlot(context, null, loaded, { origin, package: found.package, isOverride: settings.override });
    retries.succeeded(source);
  } catch (error) {
    waiting.fail(error);
    retries.failed(source);
    context.logger.error({ err: error, source }, 'An adapter of the settings cannot be used');
  }
}

function createPlaceholder(context: CatalogContext, source: string): AdapterSlot {
  const facts = { origin: { kind: 'settings', source }, package: null, isOverride: false } as const;
  const slot = createAdapterSlot(source, facts, context.changed);
  context.registry.add(slot);
  return slot;
}

interface FoundPackage {
  readonly packageFolder: string;
  readonly package: SlotPackage;
}

async function obtain(context: CatalogContext, { source, settings }: ConfiguredAdapter): Promise<FoundPackage> {
  const spec = parsePackageSpec(source, context.baseFolder);
  if (spec.kind === 'folder') return await inPlace(spec.path);
  const found = spec.kind === 'registry' ? await context.installer.findInRange(spec.name, spec.range ?? '*') : null;
  if (found) return { packageFolder: found.packageFolder, package: found };
  const allowScripts = context.isInstallScriptsAllowed && settings.allowScripts;
  const staged = await context.installer.stage(spec, { allowScripts, signal: context.closing }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ServerError(
      'adapter_missing',
      `The adapter ${source} of the settings could not be fetched; its runs wait. ${why}`,
      { cause },
    );
  });
  try {
    const installed = await context.lock.run(staged.name, () => staged.promote());
    return { packageFolder: installed.packageFolder, package: installed };
  } finally {
    await staged.discard();
  }
}

/** A folder of the settings is used where it lies, with the dependencies that its owner installed there. */
async function inPlace(path: string): Promise<FoundPackage> {
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) throw new ServerError('adapter_missing', `There is no adapter folder at ${path}; its runs wait.`);
  const { packageName, version } = await resolveModule(path, path);
  return {
    packageFolder: path,
    package: { name: packageName ?? path, version: version ?? '0.0.0', integrity: null, folder: null },
  };
}
