import { createHash } from 'node:crypto';
import { join } from 'node:path';
import semver from 'semver';
import { ServerError } from '../server-error.js';
import { isPackageName, type PackageSpec } from './package-spec.js';

/** Where adapters lie below `<home>/adapters`: each version of each package in a folder of its own. */
export interface AdapterFolders {
  readonly root: string;
  /** Half-done installs; emptied at start. */
  readonly staging: string;
  ofPackage(name: string): string;
  ofVersion(name: string, version: string, integrity: string | null, kind: PackageSpec['kind']): string;
}

export function createAdapterFolders(root: string): AdapterFolders {
  const ofPackage = (name: string): string => {
    // Names come from tarballs and rows, too; none may lead out of the root.
    if (!isPackageName(name)) throw new ServerError('adapter_spec_invalid', `"${name}" is no package name; it is refused.`);
    return join(root, ...name.split('/'));
  };
  return {
    root,
    staging: join(root, '.staging'),
    ofPackage,
    ofVersion(name, version, integrity, kind) {
      if (semver.valid(version) === null) {
        throw new ServerError('adapter_spec_invalid', `"${version}" of ${name} is no version; it is refused.`);
      }
      // A registry never changes a version; a folder under development does without counting up.
      const suffix = kind === 'registry' ? '' : `-${shortHash(integrity ?? '')}`;
      return join(ofPackage(name), `${version}${suffix}`);
    },
  };
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}
