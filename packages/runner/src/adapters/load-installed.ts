import { obtainPackage } from '@runbeat/adapter-host';
import { runnerError } from '../runner-error.js';
import type { AdapterHome } from './adapter-home.js';
import type { RunningAdapter } from './adapter-slot.js';
import type { InstalledAdapter } from './installed-list.js';

/** Loads an installed package in a worker: from the disk, else from where it came from. Rejects with a code. */
export async function loadInstalled(options: {
  readonly adapters: AdapterHome;
  readonly row: InstalledAdapter;
  readonly reservedTypes: ReadonlySet<string>;
  readonly signal: AbortSignal;
}): Promise<RunningAdapter> {
  const { adapters, row, reservedTypes, signal } = options;
  const { packageName: name, version, adapterType, allowScripts, environment } = row;
  if (reservedTypes.has(adapterType)) {
    throw runnerError(
      'runner_adapter_type_taken',
      `The adapter type "${adapterType}" of ${name} is taken by an adapter that the runner was started with. Remove one of them.`,
    );
  }
  const { folder, packageFolder, integrity } = await obtainPackage(adapters.installer, row, {
    allowScripts,
    baseFolder: adapters.folder,
    signal,
  });
  const loaded = await adapters.loader.load({ folder: packageFolder, name, version, settings: { environment }, signal });
  if (loaded.type === adapterType) return { loaded, folder, version, integrity };
  await loaded.close();
  throw runnerError(
    'runner_adapter_type_changed',
    `${name}@${version} is of the type "${loaded.type}" and was installed as "${adapterType}". Install it again.`,
  );
}
