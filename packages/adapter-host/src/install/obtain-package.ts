import { hostError } from '../adapter-host-error.js';
import type { AdapterInstaller, InstalledPackage } from './adapter-installer.js';
import { parsePackageSpec } from './package-spec.js';

export interface PackageToObtain {
  readonly packageName: string;
  readonly version: string;
  readonly integrity: string | null;
  /** What was asked for when it was installed; paths are absolute. */
  readonly source: string;
}

/**
 * A package that was installed before: from the disk, else from where it came from. The registry's package must be the
 * very one that was installed then. The caller holds the package's lock.
 *
 * Rejects with `adapter_missing` and the reason.
 */
export async function obtainPackage(
  installer: AdapterInstaller,
  wanted: PackageToObtain,
  options: { readonly allowScripts: boolean; readonly baseFolder: string; readonly signal: AbortSignal },
): Promise<InstalledPackage> {
  const { packageName: name, version, integrity, source } = wanted;
  const { allowScripts, baseFolder, signal } = options;
  const from = parsePackageSpec(source, baseFolder);
  const found = await installer.find({ name, version, integrity, kind: from.kind });
  if (found && found.integrity === integrity) return found;
  const spec = from.kind === 'registry' ? ({ kind: 'registry', name, range: version } as const) : from;
  const staged = await installer.stage(spec, { allowScripts, signal }).catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `The adapter package ${name}@${version} is not on this machine and could not be fetched; its runs wait. ${why}`;
    throw hostError('adapter_missing', message, { cause });
  });
  try {
    if (staged.name === name && staged.version === version && staged.integrity === integrity) return await staged.promote();
    const got = `${staged.name}@${staged.version} (${staged.integrity ?? 'no integrity'})`;
    const expected = `${name}@${version} (${integrity ?? 'no integrity'})`;
    throw hostError('adapter_missing', `${source} is ${got} now, and not ${expected} that was installed. Install it again.`);
  } finally {
    await staged.discard();
  }
}
