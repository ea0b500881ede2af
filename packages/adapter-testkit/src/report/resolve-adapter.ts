import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AdapterError } from '@runbeat/adapter-sdk';

/** Where an adapter's code is, and the folder in which its scripts file is looked for. */
export interface AdapterLocation {
  readonly moduleUrl: string;
  readonly folder: string;
}

/**
 * Finds the module behind what a person types: a file, the folder of a package, or the name of an installed package.
 * @throws AdapterError `adapter_not_found`, saying what was tried.
 */
export function resolveAdapter(nameOrPath: string, workingFolder: string): AdapterLocation {
  const path = resolve(workingFolder, nameOrPath);
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats?.isFile()) return { moduleUrl: pathToFileURL(path).href, folder: dirname(path) };
  if (stats?.isDirectory()) return { moduleUrl: pathToFileURL(entryOf(path)).href, folder: path };
  return installed(nameOrPath, workingFolder);
}

/** A package is asked for itself by its own name, which honours its `exports`. */
function entryOf(folder: string): string {
  const manifestPath = join(folder, 'package.json');
  const name = manifestName(manifestPath);
  try {
    return createRequire(manifestPath).resolve(name);
  } catch (error) {
    return entryByExports(folder, name, error);
  }
}

/** `require` cannot see an entry that is for `import` only, and a package without `exports` cannot ask for itself. */
function entryByExports(folder: string, name: string, cause: unknown): string {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { exports?: unknown; main?: unknown };
  const entry = entryPath(manifest.exports) ?? (typeof manifest.main === 'string' ? manifest.main : 'index.js');
  const path = join(folder, entry);
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return path;
  throw new AdapterError(
    'adapter_not_found',
    `${name} has its entry at ${path}, which does not exist. Build the package first.`,
    { cause },
  );
}

function entryPath(exported: unknown): string | null {
  if (typeof exported === 'string') return exported;
  if (typeof exported !== 'object' || exported === null) return null;
  for (const condition of ['.', 'node', 'import', 'default'] as const) {
    const found = entryPath((exported as Record<string, unknown>)[condition]);
    if (found !== null) return found;
  }
  return null;
}

function installed(name: string, workingFolder: string): AdapterLocation {
  const folder = (createRequire(join(workingFolder, 'package.json')).resolve.paths(name) ?? [])
    .map((modules) => join(modules, name))
    .find((candidate) => statSync(join(candidate, 'package.json'), { throwIfNoEntry: false })?.isFile());
  if (folder !== undefined) return { moduleUrl: pathToFileURL(entryOf(folder)).href, folder };
  throw new AdapterError(
    'adapter_not_found',
    `'${name}' is neither a file or folder here nor an installed package. Give the path of your package, or install it.`,
  );
}

function manifestName(path: string): string {
  try {
    const { name } = JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown };
    if (typeof name === 'string') return name;
  } catch (error) {
    throw new AdapterError('adapter_not_found', `${path} cannot be read; an adapter is a package with a package.json.`, {
      cause: error,
    });
  }
  throw new AdapterError('adapter_not_found', `${path} has no name.`);
}
