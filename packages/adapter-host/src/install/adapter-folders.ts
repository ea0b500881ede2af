import { createHash } from 'node:crypto';
import { join } from 'node:path';
import semver from 'semver';
import { hostError } from '../adapter-host-error.js';
import { isPackageName, type PackageSpec } from './package-spec.js';

/** Where adapters lie below a root (`<home>/adapters` of a server or runner): each version of each package in a folder of its own. */
export interface AdapterFolders {
  readonly root: string;
  /** Half-done installs and removals. One process alone may use it at a time. */
  readonly staging: string;
  ofPackage(name: string): string;
  ofVersion(name: string, version: string, integrity: string | null, kind: PackageSpec['kind']): string;
}

/** @param staging absent = `.staging` below the root, for a root that one process uses. */
export function createAdapterFolders(root: string, staging = join(root, '.staging')): AdapterFolders {
  const ofPackage = (name: string): string => {
    // Names come from tarballs and rows, too; none may lead out of the root.
    if (!isPackageName(name)) throw hostError('adapter_spec_invalid', `"${name}" is no package name; it is refused.`);
    return join(root, ...name.split('/'));
  };
  return {
    root,
    staging,
    ofPackage,
    ofVersion(name, version, integrity, kind) {
      if (semver.valid(version) === null) {
        throw hostError('adapter_spec_invalid', `"${version}" of ${name} is no version; it is refused.`);
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
