import semver from 'semver';
import { type PackageSpec, specText } from './package-spec.js';

/**
 * Whether something that is installed is what a spec asks for: of a package any version that the range allows (of a tag such
 * as `next` what was installed by it), of a folder or tarball whatever was installed from that path.
 * @param installed.source what was asked for when it was installed, as `specText` writes it.
 */
export function fitsSpec(
  spec: PackageSpec,
  installed: { readonly packageName: string; readonly version: string; readonly source: string },
): boolean {
  if (spec.kind !== 'registry') return installed.source === spec.path;
  if (installed.packageName !== spec.name) return false;
  if (spec.range === null) return true;
  return semver.validRange(spec.range) === null
    ? installed.source === specText(spec)
    : semver.satisfies(installed.version, spec.range);
}
