import { randomUUID } from 'node:crypto';
import { type InstalledPackage, parsePackageSpec, specText } from '@runbeat/adapter-host';
import { runnerError } from '../runner-error.js';
import type { AdapterHome } from './adapter-home.js';
import type { InstalledAdapter } from './installed-list.js';

export interface InstallAdapterRequest {
  /** A package (`@acme/foo@^1`), a folder or a tarball. */
  readonly spec: string;
  /** Where relative paths start. */
  readonly baseFolder: string;
  readonly allowScripts: boolean;
  /** Variables of the runner's environment that its worker may see; absent = as before, or none. */
  readonly environment?: readonly string[];
  /** Types that the runner has of its own. */
  readonly reservedTypes: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}

/**
 * Stages, installs, loads, validates and asks the first questions, then switches by one entry of the list. When a step
 * fails, what was installed before stays as it was. A runner that works from this home sees the entry and follows it.
 */
export async function installAdapter(home: AdapterHome, request: InstallAdapterRequest): Promise<InstalledAdapter> {
  const spec = parsePackageSpec(request.spec, request.baseFolder);
  const { allowScripts, signal } = request;
  const staged = await home.installer.stage(spec, { allowScripts, ...(signal ? { signal } : {}) });
  try {
    return await home.change(async (before) => {
      const installed = await staged.promote();
      try {
        const entry = await entryOf(home, installed, { ...request, source: specText(spec) }, before);
        const others = before.filter((one) => one.packageName !== entry.packageName);
        return { after: [...others, entry], result: entry };
      } catch (error) {
        if (installed.isNew) await home.installer.remove(installed.folder);
        throw error;
      }
    });
  } finally {
    await staged.discard();
  }
}

async function entryOf(
  home: AdapterHome,
  installed: InstalledPackage,
  request: InstallAdapterRequest & { readonly source: string },
  before: readonly InstalledAdapter[],
): Promise<InstalledAdapter> {
  const { name, version, integrity, packageFolder } = installed;
  const old = before.find((one) => one.packageName === name);
  const environment = [...(request.environment ?? old?.environment ?? [])];
  // Loaded here only to see that it can be: the runner's process loads it for itself.
  const signal = request.signal ? { signal: request.signal } : {};
  const loaded = await home.loader.load({ folder: packageFolder, name, version, settings: { environment }, ...signal });
  const { type } = loaded;
  await loaded.close();
  if (old && old.adapterType !== type) {
    throw runnerError(
      'runner_adapter_type_changed',
      `${name}@${version} is an adapter of type "${type}", the installed ${old.version} is "${old.adapterType}". Agents name the type, so remove the old one first: runbeat runner adapters remove ${old.adapterType}`,
    );
  }
  const holder = before.find((one) => one.adapterType === type && one.packageName !== name)?.packageName;
  if (holder !== undefined || request.reservedTypes.has(type)) {
    throw runnerError(
      'runner_adapter_type_taken',
      `The adapter type "${type}" of ${name} is taken by ${holder ?? 'the adapter that every runner has'}. Remove that one first, or do without ${name}.`,
    );
  }
  return {
    packageName: name,
    adapterType: type,
    source: request.source,
    version,
    integrity,
    environment,
    allowScripts: request.allowScripts,
    installedAt: new Date(),
    removalRequestedAt: null,
    revision: randomUUID(),
  };
}
