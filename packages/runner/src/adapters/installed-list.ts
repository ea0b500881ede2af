import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeDurably } from '../home/write-durably.js';
import { runnerError } from '../runner-error.js';

const installedAdapterSchema = z.object({
  packageName: z.string().min(1),
  adapterType: z.string().min(1),
  /** What was asked for: `@acme/foo@^1`, or the absolute path of a folder or tarball. */
  source: z.string().min(1),
  version: z.string().min(1),
  /** Of the package's tarball, as npm writes it (`sha512-…`); null when npm gave none. */
  integrity: z.string().nullable(),
  /** Variables of the runner's environment that its worker may see. */
  environment: z.array(z.string()).default([]),
  /** npm may run install scripts, also when the package has to be fetched again. */
  allowScripts: z.boolean().default(false),
  installedAt: z.coerce.date(),
  /** Set while a removal waits for the adapter's jobs to end. */
  removalRequestedAt: z.coerce.date().nullable().default(null),
  /** New with every change of the entry. */
  revision: z.string().min(1),
});
/** An adapter package that is installed in a runner's home. */
export type InstalledAdapter = z.infer<typeof installedAdapterSchema>;

const listSchema = z.object({ formatVersion: z.literal(1), adapters: z.array(installedAdapterSchema) });

/** Name of the list in `<home>/adapters`. */
export const installedListName = 'installed.json';

/**
 * What is installed. The list is replaced as a whole, so readers need no lock. Rejects with `runner_adapters_unreadable`
 * when it is not as this version wrote it: guessing would unload what runs.
 */
export async function readInstalledList(adaptersFolder: string): Promise<readonly InstalledAdapter[]> {
  const path = join(adaptersFolder, installedListName);
  try {
    return listSchema.parse(JSON.parse(await readFile(path, 'utf8'))).adapters;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const why = cause instanceof Error ? cause.message : String(cause);
    throw runnerError(
      'runner_adapters_unreadable',
      `${path} cannot be used: ${why}. Mend it, or remove it and install the adapters again.`,
      { cause },
    );
  }
}

/** The caller holds the lock of `change-lock.ts`. */
export async function writeInstalledList(adaptersFolder: string, adapters: readonly InstalledAdapter[]): Promise<void> {
  const sorted = [...adapters].sort((a, b) => (a.packageName < b.packageName ? -1 : 1));
  await writeDurably(
    join(adaptersFolder, installedListName),
    `${JSON.stringify({ formatVersion: 1, adapters: sorted }, null, 2)}\n`,
  );
}
