import { existsSync, readFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AdapterError } from '@runbeat/adapter-sdk';
import { type ConformanceScripts, commandScripts, conformanceScriptNames } from '../conformance/scripts.js';

/** What a scripts file gives: the configs, and where it is a module, anything else that `adapterConformance` takes. */
export interface ScriptsFile {
  readonly scripts: ConformanceScripts;
  readonly limitMs?: number;
  readonly isProcessAlive?: (pid: number) => boolean | Promise<boolean>;
  readonly makeUnreachable?: () => Promise<() => Promise<void>>;
}

/** Looked for in the adapter's folder, in this order, when no file is named. */
export const scriptsFileNames = ['conformance.config.js', 'conformance.config.mjs', 'conformance.config.json'] as const;

/**
 * Reads the configs that the kit needs: from `named` (relative to the working folder), else from the adapter's folder.
 * A `.json` file holds `{ "scripts": {…} }`; a module exports that as default, or a function of the kit's tools.
 * @throws AdapterError `scripts_missing` or `scripts_invalid`, saying what to write and where.
 */
export async function readScriptsFile(adapterFolder: string, named: string | null): Promise<ScriptsFile> {
  const path = named === null ? findIn(adapterFolder) : resolve(named);
  if (path === null || !existsSync(path)) {
    throw new AdapterError(
      'scripts_missing',
      [
        `${path ?? `None of ${scriptsFileNames.join(', ')} is in ${adapterFolder}`}${path ? ' does not exist' : ''}.`,
        'The kit needs a config of your adapter for each behaviour. For an adapter that runs a command:',
        '',
        '  // conformance.config.js',
        '  export default ({ commandScripts }) => ({ scripts: commandScripts((command, args) => ({ command, args })) });',
        '',
        `For any other, write { scripts: { ${conformanceScriptNames.join(', ')} } }; the docs say what each has to do.`,
      ].join('\n'),
    );
  }
  return checked(path, await contentOf(path));
}

function findIn(folder: string): string | null {
  return scriptsFileNames.map((name) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

async function contentOf(path: string): Promise<unknown> {
  try {
    if (path.endsWith('.json')) return JSON.parse(readFileSync(path, 'utf8')) as unknown;
    const module = (await import(pathToFileURL(isAbsolute(path) ? path : resolve(path)).href)) as { default?: unknown };
    return typeof module.default === 'function' ? await module.default({ commandScripts }) : module.default;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AdapterError('scripts_invalid', `${path} could not be read: ${reason}`, { cause: error });
  }
}

function checked(path: string, value: unknown): ScriptsFile {
  const scripts = typeof value === 'object' && value !== null && 'scripts' in value ? value.scripts : null;
  if (typeof scripts !== 'object' || scripts === null) {
    throw new AdapterError('scripts_invalid', `${path} must give { scripts: {…} }.`);
  }
  const missing = conformanceScriptNames.filter((name) => !(name in scripts));
  if (missing.length > 0) throw new AdapterError('scripts_invalid', `${path} has no config for: ${missing.join(', ')}.`);
  return value as ScriptsFile;
}
