import { copyFile, mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import semver from 'semver';
import { z } from 'zod';
import { hostError } from '../adapter-host-error.js';
import type { AdapterFolders } from './adapter-folders.js';
import { isPackageName, type PackageSpec, specText } from './package-spec.js';
import { runNpm } from './run-npm.js';

/** A package with its dependencies in a folder of its own. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly integrity: string | null;
  /** `<root>/<name>/<version>`, with its own lock file. */
  readonly folder: string;
  /** The package itself, inside `folder`. */
  readonly packageFolder: string;
  /** This call made the folder; false = it was there before and something may run from it. */
  readonly isNew: boolean;
}

/** A whole install that nobody sees yet. */
export interface StagedPackage extends Omit<InstalledPackage, 'isNew'> {
  /** Move it into place. The caller holds the package's lock. */
  promote(): Promise<InstalledPackage>;
  /** Delete it; without effect after `promote`. */
  discard(): Promise<void>;
}

export interface InstallOptions {
  /** Whether npm may run the packages' install scripts. */
  readonly allowScripts: boolean;
  readonly signal?: AbortSignal;
}

/** Puts packages into folders. Knows nothing of adapters: what is in a package is found out by loading it. */
export interface AdapterInstaller {
  /** Install into a folder aside. Side by side with others; touches nothing of them. */
  stage(spec: PackageSpec, options: InstallOptions): Promise<StagedPackage>;
  /** What was installed before, or null. */
  find(
    wanted: Pick<InstalledPackage, 'name' | 'version' | 'integrity'> & { kind: PackageSpec['kind'] },
  ): Promise<InstalledPackage | null>;
  /** The highest version of a registry package on this disk that the range allows, or null. */
  findInRange(name: string, range: string): Promise<InstalledPackage | null>;
  /** Every whole install on this disk. */
  list(): Promise<readonly InstalledPackage[]>;
  /** Delete one version's folder; the package's folder too when it was the last. */
  remove(folder: string): Promise<void>;
  /** Delete what an interrupted install left in this process's staging. Call at start, before the first install. */
  clean(): Promise<void>;
}

/** Written last into the staged folder, so that a folder that has it is whole. */
const MANIFEST = 'runbeat-install.json';
const manifestSchema = z.object({ name: z.string(), version: z.string(), integrity: z.string().nullable(), source: z.string() });

const lockSchema = z.object({
  packages: z.record(z.string(), z.looseObject({ version: z.string().optional(), integrity: z.string().optional() })),
});
const stagedPackageSchema = z.object({ dependencies: z.record(z.string(), z.string()) });
const packedSchema = z.array(z.object({ filename: z.string() })).length(1);

export function createAdapterInstaller(
  folders: AdapterFolders,
  environment: Readonly<Record<string, string | undefined>>,
): AdapterInstaller {
  const fetchInto = async (spec: PackageSpec, folder: string, options: InstallOptions): Promise<void> => {
    const what = specText(spec);
    const signal = options.signal ? { signal: options.signal } : {};
    const npm = (args: readonly string[]) => runNpm({ args, cwd: folder, what, environment, ...signal });
    await requirePath(spec);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'runbeat-adapter', version: '0.0.0', private: true }));
    const target = spec.kind === 'registry' ? what : await bringTarball(spec, folder, npm);
    // Each option also stands against an npmrc that says otherwise.
    await npm([
      'install',
      options.allowScripts ? '--ignore-scripts=false' : '--ignore-scripts',
      '--save-exact',
      '--package-lock=true',
      '--omit=dev',
      '--global=false',
      '--no-audit',
      '--no-fund',
      '--no-progress',
      '--loglevel=error',
      `--prefix=${folder}`,
      '--',
      target,
    ]);
    const found = await readStaged(folder, what);
    await writeFile(join(folder, MANIFEST), JSON.stringify({ ...found, source: what }));
  };

  const read = async (folder: string): Promise<InstalledPackage | null> => {
    const text = await readFile(join(folder, MANIFEST), 'utf8').catch(() => null);
    const manifest = text === null ? null : manifestSchema.safeParse(parseJson(text));
    if (!manifest?.success) return null;
    const { name, version, integrity } = manifest.data;
    const packageFolder = join(folder, 'node_modules', ...name.split('/'));
    return { name, version, integrity, folder, packageFolder, isNew: false };
  };

  /** The same version may be there already: then that one is taken, since something may run from it. */
  const moveIntoPlace = async (aside: string, folder: string): Promise<InstalledPackage> => {
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
    const isNew = await rename(aside, folder).then(
      () => true,
      (error: unknown) => {
        if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false;
        throw error;
      },
    );
    const installed = await read(folder);
    if (installed) return { ...installed, isNew };
    throw hostError('adapter_install_failed', `${folder} is in the way: it holds no whole install. Delete it and try again.`);
  };

  return {
    async stage(spec, options) {
      await mkdir(folders.staging, { recursive: true, mode: 0o700 });
      const aside = await mkdtemp(join(folders.staging, 'install-'));
      const discard = () => rm(aside, { recursive: true, force: true });
      try {
        await fetchInto(spec, aside, options);
        const staged = await read(aside);
        if (!staged) throw hostError('adapter_install_failed', `The install in ${aside} was tampered with. Try again.`);
        const folder = folders.ofVersion(staged.name, staged.version, staged.integrity, spec.kind);
        return { ...staged, discard, promote: () => moveIntoPlace(aside, folder) };
      } catch (error) {
        await discard();
        throw error;
      }
    },
    find: ({ name, version, integrity, kind }) => read(folders.ofVersion(name, version, integrity, kind)),
    async findInRange(name, range) {
      const versions = await readdir(folders.ofPackage(name)).catch(() => []);
      const best = semver.maxSatisfying(versions, range);
      return best === null ? null : await read(folders.ofVersion(name, best, null, 'registry'));
    },
    async list() {
      const found = await Promise.all((await versionFolders(folders.root)).map(read));
      return found.filter((one) => one !== null);
    },
    async remove(folder) {
      if (!folder.startsWith(`${folders.root}${sep}`))
        throw hostError('adapter_spec_invalid', `${folder} is no adapter's folder.`);
      // First out of sight, then deleted: an interruption leaves something in staging, not half a package.
      await mkdir(folders.staging, { recursive: true, mode: 0o700 });
      const doomed = await mkdtemp(join(folders.staging, 'remove-'));
      await rename(folder, join(doomed, 'package')).catch((error: unknown) => {
        if (codeOf(error) !== 'ENOENT') throw error;
      });
      await rm(doomed, { recursive: true, force: true });
      await removeIfEmpty(dirname(folder), folders.root);
    },
    async clean() {
      await rm(folders.staging, { recursive: true, force: true });
    },
  };
}

/** A tarball is copied beside the lock file, which names it. */
async function bringTarball(
  spec: Exclude<PackageSpec, { kind: 'registry' }>,
  folder: string,
  npm: (args: readonly string[]) => Promise<string>,
): Promise<string> {
  if (spec.kind === 'folder') return await packFolder(spec.path, folder, npm);
  await copyFile(spec.path, join(folder, 'package.tgz'));
  return './package.tgz';
}

/** A folder is packed first, so that what runs is a copy that nobody edits. Its scripts are never run: it is built already. */
async function packFolder(path: string, folder: string, npm: (args: readonly string[]) => Promise<string>): Promise<string> {
  const output = await npm(['pack', path, '--ignore-scripts', '--json', '--loglevel=error', `--pack-destination=${folder}`]);
  const packed = packedSchema.safeParse(parseJson(output));
  if (packed.success) return `./${packed.data[0]?.filename.replace('@', '').replace('/', '-')}`;
  throw hostError('adapter_install_failed', `Packing ${path} gave no tarball; npm said: ${output.slice(-500)}`);
}

async function requirePath(spec: PackageSpec): Promise<void> {
  if (spec.kind === 'registry') return;
  const found = await stat(spec.path).catch(() => null);
  if (found && (spec.kind === 'folder' ? found.isDirectory() : found.isFile())) return;
  throw hostError('adapter_spec_invalid', `There is no ${spec.kind} at ${spec.path} on this machine.`);
}

async function readStaged(folder: string, what: string): Promise<{ name: string; version: string; integrity: string | null }> {
  const own = stagedPackageSchema.safeParse(parseJson(await readFile(join(folder, 'package.json'), 'utf8')));
  const lock = lockSchema.safeParse(parseJson(await readFile(join(folder, 'package-lock.json'), 'utf8')));
  const name = own.success ? Object.keys(own.data.dependencies)[0] : undefined;
  const locked = name !== undefined && lock.success ? lock.data.packages[`node_modules/${name}`] : undefined;
  if (name === undefined || locked?.version === undefined || !isPackageName(name)) {
    throw hostError('adapter_install_failed', `npm installed ${what}, but its lock file does not say what that was.`);
  }
  return { name, version: locked.version, integrity: locked.integrity ?? null };
}

/** `<name>/<version>` and `<@scope>/<name>/<version>`. What else lies there (a `node_modules` of somebody's own) is not ours. */
async function versionFolders(root: string): Promise<string[]> {
  const below = async (folder: string): Promise<string[]> => {
    const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
    return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => join(folder, name));
  };
  const all = async (parents: readonly string[]): Promise<string[]> => (await Promise.all(parents.map(below))).flat();
  const top = (await below(root)).filter((path) => path !== join(root, 'node_modules'));
  const isScope = (path: string): boolean => path.startsWith(join(root, '@'));
  return await all([...top.filter((path) => !isScope(path)), ...(await all(top.filter(isScope)))]);
}

async function removeIfEmpty(folder: string, root: string): Promise<void> {
  for (let current = folder; current.startsWith(root) && current !== root; current = dirname(current)) {
    // Not empty: another version, or another package of the scope, is in it.
    if (
      !(await rmdir(current).then(
        () => true,
        () => false,
      ))
    )
      return;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}
