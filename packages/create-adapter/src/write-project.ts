import { mkdirSync, readdirSync, readFileSync, rmSync, type Stats, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createAdapterError } from './create-adapter-error.js';
import type { ProjectPlan } from './plan-project.js';

const packageFolder = fileURLToPath(new URL('../', import.meta.url));
const templateFolder = join(packageFolder, 'template');

/** npm leaves every `.gitignore` out of a package, and tools take any `package.json` for one of a package of ours. */
const finalNames: Readonly<Record<string, string>> = { _gitignore: '.gitignore', '_package.json': 'package.json' };

/**
 * Writes the template's files into the planned folder and gives their paths, relative to it.
 * @throws CreateAdapterError `folder_not_empty` or `folder_not_writable`; nothing is written over.
 */
export function writeProject(plan: ProjectPlan): readonly string[] {
  refuseUsedFolder(plan.folder);
  const values = placeholderValues(plan);
  const files = readdirSync(templateFolder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(templateFolder.length + 1));
  const written = files.map((file) => ({ from: file, to: finalNames[file] ?? file }));
  const texts = written.map(({ from, to }) => ({
    path: join(plan.folder, to),
    text: filled(readFileSync(join(templateFolder, from), 'utf8'), values),
  }));
  const done: string[] = [];
  try {
    for (const { path, text } of texts) {
      writeFile(path, text);
      done.push(path);
    }
  } catch (error) {
    // No half-made project: a second try would be refused because the folder is not empty.
    for (const path of done) rmSync(path, { force: true });
    throw error;
  }
  return written.map(({ to }) => to).sort();
}

/** An empty folder is fine, and so is a fresh repository. */
function refuseUsedFolder(folder: string): void {
  const stats = statOf(folder);
  if (stats === null) return;
  if (!stats.isDirectory())
    throw createAdapterError('folder_not_empty', `${folder} is a file. Name a folder that does not exist yet.`);
  const used = readdirSync(folder).filter((name) => name !== '.git');
  if (used.length === 0) return;
  const some = used.slice(0, 3).join(', ') + (used.length > 3 ? ', …' : '');
  throw createAdapterError(
    'folder_not_empty',
    `${folder} is not empty (${some}). Name a folder that does not exist yet, or empty it; nothing was changed.`,
  );
}

function statOf(folder: string): Stats | null {
  try {
    return statSync(folder, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    // A file stands where a folder above it should be, or we may not look.
    throw createAdapterError('folder_not_writable', `${folder} cannot be created: ${(error as Error).message}`, error);
  }
}

function writeFile(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    // Never over something that appeared meanwhile.
    writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    throw createAdapterError('folder_not_writable', `${path} could not be written: ${(error as Error).message}`, error);
  }
}

/** The versions of the kit are those that this package was tested with: they stand in its own package.json. */
function placeholderValues({ name, type }: ProjectPlan): Readonly<Record<string, string>> {
  const manifest = JSON.parse(readFileSync(join(packageFolder, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>;
  };
  return {
    name,
    type,
    year: String(new Date().getFullYear()),
    adapterSdkVersion: manifest.devDependencies['@runbeat/adapter-sdk'] ?? '',
    adapterTestkitVersion: manifest.devDependencies['@runbeat/adapter-testkit'] ?? '',
  };
}

function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\{\{(\w+)\}\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}
