import { readFile, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Package, exports as resolveExports } from 'resolve.exports';
import { z } from 'zod';
import { hostError } from '../adapter-host-error.js';

/** A module's files, found without loading it. */
export interface ResolvedModule {
  /** URLs to look for an adapter in, in order: the package's entry, then its `./server` (older Paperclip packages). */
  readonly candidates: readonly string[];
  /** Null for a single file that belongs to no package. */
  readonly packageName: string | null;
  readonly version: string | null;
}

const packageJson = z.looseObject({
  name: z.string().optional(),
  version: z.string().optional(),
  main: z.string().optional(),
  exports: z.unknown().optional(),
});

/**
 * Find the files of an adapter module.
 * @param specifierOrPath a `file:` URL, a path to a file or to a package's folder (relative to `fromFolder`), or the
 * name of a package that is installed in `fromFolder` or above it.
 */
export async function resolveModule(specifierOrPath: string, fromFolder: string): Promise<ResolvedModule> {
  if (specifierOrPath.startsWith('file:')) return await resolvePath(fileURLToPath(specifierOrPath));
  if (isAbsolute(specifierOrPath) || /^\.{1,2}([/\\]|$)/.test(specifierOrPath)) {
    return await resolvePath(resolve(fromFolder, specifierOrPath));
  }
  for (let folder = resolve(fromFolder); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', specifierOrPath);
    if (await isFolder(candidate)) return await resolvePackage(candidate);
    if (folder === parse(folder).root) break;
  }
  throw hostError('adapter_not_found', `The package ${specifierOrPath} is not installed in ${fromFolder} or above. Install it.`);
}

async function resolvePath(path: string): Promise<ResolvedModule> {
  if (await isFolder(path)) return await resolvePackage(path);
  if (await isFile(path)) return { candidates: [pathToFileURL(path).href], packageName: null, version: null };
  throw hostError('adapter_not_found', `There is no adapter module at ${path}. Name a file or a package's folder.`);
}

async function resolvePackage(folder: string): Promise<ResolvedModule> {
  const parsed = await readPackageJson(folder);
  const found: string[] = [];
  for (const entry of [mainEntry(folder, parsed), serverEntry(parsed)]) {
    if (entry === null) continue;
    const path = join(folder, entry);
    const url = pathToFileURL(path).href;
    if (!found.includes(url) && (await isFile(path))) found.push(url);
  }
  if (found.length === 0) {
    const name = parsed.name ?? folder;
    throw hostError(
      'adapter_not_found',
      `The package ${name} has no file that can be loaded: its "exports" and "main" name none that exists. Build it.`,
    );
  }
  return { candidates: found, packageName: parsed.name ?? null, version: parsed.version ?? null };
}

async function readPackageJson(folder: string): Promise<z.infer<typeof packageJson>> {
  try {
    return packageJson.parse(JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')));
  } catch (cause) {
    throw hostError(
      'adapter_not_found',
      `${folder} is no package: its package.json is missing or unreadable (${String(cause)}).`,
      { cause },
    );
  }
}

function mainEntry(folder: string, parsed: z.infer<typeof packageJson>): string | null {
  return exportsEntry(parsed, '.') ?? parsed.main ?? (folder === '' ? null : 'index.js');
}

function serverEntry(parsed: z.infer<typeof packageJson>): string | null {
  return exportsEntry(parsed, './server');
}

/** The target of one of the package's `exports` under the conditions of `import`, or null. */
function exportsEntry(parsed: z.infer<typeof packageJson>, subpath: string): string | null {
  if (parsed.exports === undefined) return null;
  try {
    const targets = resolveExports({ name: parsed.name ?? 'package', version: '', ...parsed } as Package, subpath, {
      conditions: ['node'],
    });
    return targets?.[0] ?? null;
  } catch {
    // The library throws for a subpath that is not exported; that is an answer.
    return null;
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isFile() ?? false;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}
