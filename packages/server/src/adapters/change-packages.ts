import {
  type InstalledPackage,
  type LoadedAdapter,
  type PackageSpec,
  parsePackageSpec,
  type StagedPackage,
  specText,
} from '@runbeat/adapter-host';
import type { Adapter, AdapterCheckResult } from '@runbeat/protocol';
import { isServerError, ServerError } from '../server-error.js';
import type { AdapterSlot } from './adapter-slot.js';
import type { CatalogContext } from './catalog-context.js';
import { fillSlot } from './fill-slot.js';
import { serverErrorFrom, withServerErrors } from './install-error.js';
import { type InstallSettings, installSettingsFrom } from './install-settings.js';
import type { InstalledAdapter } from './installed-adapter-store.js';
import { retirePackage } from './retire-package.js';

export interface AddRequest {
  readonly spec: string;
  readonly allowScripts: boolean;
  readonly override: boolean;
  /** For the record; absent = unknown. */
  readonly installedBy?: string;
}

/** What operators do with packages at run time. */
export interface PackageChanges {
  add(request: AddRequest): Promise<Adapter>;
  update(type: string, request: { readonly spec?: string; readonly allowScripts: boolean }): Promise<Adapter>;
  remove(type: string, options: { readonly isForced: boolean }): Promise<void>;
  check(request: { readonly spec: string; readonly allowScripts: boolean }): Promise<AdapterCheckResult>;
}

interface Install {
  readonly spec: PackageSpec;
  readonly allowScripts: boolean;
  readonly override: boolean;
  readonly installedBy: string | null;
  /** An update must not turn into another package. */
  readonly onlyPackage: string | null;
}

export function createPackageChanges(context: CatalogContext): PackageChanges {
  const { registry, store, installer, loader } = context;

  /** Stage, install, load, validate, ask the first questions, then switch by one row; any failure before leaves all as it was. */
  const install = async (request: Install): Promise<Adapter> => {
    requireScriptsAllowed(context, request.allowScripts);
    const staged = await installer.stage(request.spec, { allowScripts: request.allowScripts, signal: context.closing });
    try {
      requirePackage(request, staged);
      return await context.lock.run(staged.name, async () => {
        const installed = await staged.promote();
        try {
          return await switchTo(context, request, installed);
        } catch (error) {
          if (installed.isNew) await installer.remove(installed.folder);
          throw error;
        }
      });
    } finally {
      await staged.discard();
    }
  };

  return {
    add: ({ spec, allowScripts, override, installedBy }) =>
      withServerErrors(async () => {
        const parsed = parsePackageSpec(spec, context.baseFolder);
        return await install({ spec: parsed, allowScripts, override, installedBy: installedBy ?? null, onlyPackage: null });
      }),
    update: (type, { spec, allowScripts }) =>
      withServerErrors(async () => {
        const slot = requireInstalled(context, type);
        const parsed = parsePackageSpec(spec ?? slot.facts.origin.source, context.baseFolder);
        const onlyPackage = slot.facts.package?.name ?? null;
        return await install({ spec: parsed, allowScripts, override: false, installedBy: null, onlyPackage });
      }),
    async remove(type, { isForced }) {
      const slot = requireInstalled(context, type);
      const name = slot.facts.package?.name ?? '';
      await context.lock.run(name, async () => {
        const runs = Math.max(slot.runningRuns, await context.countActiveRuns(type));
        if (runs > 0 && !isForced) {
          const message = `${runs} run(s) use the adapter ${type} (${name}). Wait for them, or remove it by force: it goes when they have ended.`;
          throw new ServerError('adapter_in_use', message, { evidence: { type, packageName: name, runs } });
        }
        if (runs > 0) await store.requestRemoval(name);
        else await store.remove(name);
        retirePackage(context, slot);
      });
    },
    async check({ spec, allowScripts }) {
      requireScriptsAllowed(context, allowScripts);
      const parsed = await withServerErrors(async () => parsePackageSpec(spec, context.baseFolder));
      let staged: StagedPackage | null = null;
      let type: string | null = null;
      const result = (problems: AdapterCheckResult['problems']): AdapterCheckResult => ({
        ok: problems.length === 0,
        type,
        packageName: staged?.name ?? null,
        version: staged?.version ?? null,
        problems,
      });
      try {
        staged = await installer.stage(parsed, { allowScripts, signal: context.closing });
        const { name, version, packageFolder } = staged;
        const loaded = await loader.load({ folder: packageFolder, name, version, settings: installSettingsFrom({}) });
        type = loaded.type;
        await loaded.close();
        registry.requireFree(type, { name, override: false });
        return result([]);
      } catch (error) {
        const told = serverErrorFrom(error);
        if (!isServerError(told)) throw told;
        return result([{ code: told.code, message: told.message }]);
      } finally {
        await staged?.discard();
      }
    },
  };
}

async function switchTo(context: CatalogContext, request: Install, installed: InstalledPackage): Promise<Adapter> {
  const { name, version } = installed;
  const rows = await context.store.list();
  const row = rows.find((one) => one.packageName === name) ?? null;
  const settings = nextSettings(row, request);
  const loaded = await context.loader.load({ folder: installed.packageFolder, name, version, settings });
  try {
    if (row && row.adapterType !== loaded.type) {
      const message = `${name}@${version} is an adapter of type "${loaded.type}", the installed ${row.version} is "${row.adapterType}". Agents name the type, so remove the old one first.`;
      throw new ServerError('adapter_package_invalid', message);
    }
    // Two packages that want one type at once hold different packages' locks; here the first one gets it.
    const slot = await context.lock.run(`type ${loaded.type}`, () =>
      register(context, { request, installed, row, settings, loaded }),
    );
    context.logger.info({ packageName: name, version, adapterType: loaded.type }, 'An adapter was installed');
    return slot.view();
  } catch (error) {
    await loaded.close();
    throw error;
  }
}

/** The switch itself: one row, then this instance's slot. */
async function register(
  context: CatalogContext,
  wanted: {
    readonly request: Install;
    readonly installed: InstalledPackage;
    readonly row: InstalledAdapter | null;
    readonly settings: InstallSettings;
    readonly loaded: LoadedAdapter;
  },
): Promise<AdapterSlot> {
  const { registry, store } = context;
  const { request, installed, row, settings, loaded } = wanted;
  const { name, version, integrity } = installed;
  registry.requireFree(loaded.type, { name, override: settings.override });
  const replaced = settings.override
    ? (await store.list()).find((one) => one.adapterType === loaded.type && one.packageName !== name)
    : undefined;
  const change = {
    packageName: name,
    adapterType: loaded.type,
    source: specText(request.spec),
    version,
    integrity,
    settings,
    installedBy: request.installedBy ?? row?.installedBy ?? null,
  };
  const put = await store.put(change, {
    expectedRevision: row?.revision ?? null,
    ...(replaced ? { replaces: replaced.packageName } : {}),
  });
  const { source, revision, installedAt } = requireStored(put, { name, type: loaded.type });
  const replacedSlot = replaced ? registry.findPackage(replaced.packageName) : null;
  const origin = { kind: 'installed', source, revision, installedAt } as const;
  const facts = { origin, package: installed, isOverride: settings.override };
  const slot = fillSlot(context, registry.findPackage(name), loaded, facts);
  if (replacedSlot) retirePackage(context, replacedSlot);
  return slot;
}

function nextSettings(row: InstalledAdapter | null, request: Install): InstallSettings {
  const before = installSettingsFrom(row?.settings);
  return { ...before, allowScripts: request.allowScripts, override: before.override || request.override };
}

function requireStored(
  put: Awaited<ReturnType<CatalogContext['store']['put']>>,
  wanted: { readonly name: string; readonly type: string },
): InstalledAdapter {
  switch (put.outcome) {
    case 'stored':
      return put.row;
    case 'type_taken': {
      const message = `The adapter type "${wanted.type}" of ${wanted.name} is taken by ${put.holder}. Remove one of them, or add ${wanted.name} with an explicit override.`;
      const evidence = { type: wanted.type, wanted: wanted.name, holder: put.holder };
      throw new ServerError('adapter_type_taken', message, { evidence });
    }
    case 'stale':
      throw new ServerError(
        'adapter_changed_meanwhile',
        `${wanted.name} was changed by somebody else at the same time. Look at it and try again.`,
      );
  }
}

function requireInstalled(context: CatalogContext, type: string): AdapterSlot {
  const slot = context.registry.find(type);
  if (!slot || slot.isRetired) throw new ServerError('adapter_not_found', `No adapter of the type "${type}" is registered.`);
  if (slot.facts.origin.kind === 'installed') return slot;
  const where = slot.facts.origin.kind === 'settings' ? 'the server settings' : 'the program that embeds the server';
  throw new ServerError('adapter_not_managed', `The adapter ${type} comes from ${where}; change it there.`);
}

function requirePackage({ onlyPackage, spec }: Install, installed: StagedPackage): void {
  if (onlyPackage === null || installed.name === onlyPackage) return;
  const message = `${specText(spec)} is the package ${installed.name}, not ${onlyPackage}. Add it instead of updating.`;
  throw new ServerError('adapter_spec_invalid', message);
}

function requireScriptsAllowed(context: CatalogContext, allowScripts: boolean): void {
  if (!allowScripts || context.isInstallScriptsAllowed) return;
  throw new ServerError(
    'adapter_spec_invalid',
    'Install scripts are not allowed on this server. Set `isInstallScriptsAllowed` in its settings, or install without them.',
  );
}
