import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/**
 * The folder of a package that the caller depends on, found without importing anything of it; null = not installed. For
 * lifters: a host names their folder, and only a worker loads them.
 * @param importer the caller's `import.meta.url`.
 */
export function packageFolder(name: string, importer: string): string | null {
  try {
    return dirname(createRequire(importer).resolve(`${name}/package.json`));
  } catch {
    return null;
  }
}
