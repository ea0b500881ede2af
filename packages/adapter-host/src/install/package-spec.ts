import { isAbsolute, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdapterError } from '@runbeat/adapter-sdk';
import { hostError } from '../adapter-host-error.js';

/** What an operator may ask to install. */
export type PackageSpec =
  /** `range` null = the newest release. */
  | { readonly kind: 'registry'; readonly name: string; readonly range: string | null }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'tarball'; readonly path: string };

/** Names that npm accepts for new packages. Nothing else comes near a path: no dot segments, no slash but the scope's. */
const namePattern = /^(@[a-z0-9~][a-z0-9._~-]*\/)?[a-z0-9~][a-z0-9._~-]*$/;
/** Versions, ranges and tags; no option, no path, no alias (`npm:`), no URL. */
const rangePattern = /^[a-zA-Z0-9^~<>=*|.+ -]{1,200}$/;

/**
 * Reads a spec as an operator writes it: `@acme/foo`, `@acme/foo@^1`, `./folder`, `/abs/folder`, `file:…`, `./pack.tgz`.
 * @param baseFolder where relative paths start.
 * @throws `adapter_spec_invalid`.
 */
export function parsePackageSpec(rawSpec: string, baseFolder: string): PackageSpec {
  const spec = rawSpec.trim();
  if (spec === '' || spec.includes('\0')) throw invalid(rawSpec, 'it is empty');
  if (/^(git|git\+.*|https?|ssh|github|gitlab|bitbucket|npm):/.test(spec)) {
    throw invalid(rawSpec, 'URLs, git repositories and aliases are not installed; download the tarball and name its path');
  }
  if (spec.startsWith('file:') || isAbsolute(spec) || /^\.{1,2}([/\\]|$)/.test(spec)) return fromPath(spec, baseFolder);
  const at = spec.indexOf('@', 1);
  const name = at === -1 ? spec : spec.slice(0, at);
  const range = at === -1 ? null : spec.slice(at + 1);
  if (!isPackageName(name)) throw invalid(rawSpec, `"${name}" is no package name`);
  if (range !== null && (!rangePattern.test(range) || range.startsWith('-')))
    throw invalid(rawSpec, `"${range}" is no version range`);
  return { kind: 'registry', name, range };
}

/** Whether a name may become a folder's name. Asked again of what a tarball says of itself. */
export function isPackageName(name: string): boolean {
  return name.length <= 214 && namePattern.test(name) && !name.split('/').some((part) => part === '.' || part === '..');
}

/** The spec as it is recorded: paths are absolute, so that it means the same wherever the host is started. */
export function specText(spec: PackageSpec): string {
  if (spec.kind !== 'registry') return spec.path;
  return spec.range === null ? spec.name : `${spec.name}@${spec.range}`;
}

function fromPath(spec: string, baseFolder: string): PackageSpec {
  const path = spec.startsWith('file://')
    ? fileURLToPath(spec)
    : resolve(baseFolder, spec.startsWith('file:') ? spec.slice(5) : spec);
  return /\.(tgz|tar\.gz)$/.test(path) ? { kind: 'tarball', path } : { kind: 'folder', path };
}

function invalid(spec: string, why: string): AdapterError {
  return hostError(
    'adapter_spec_invalid',
    `"${spec}" cannot be installed: ${why}. Name a package (@acme/foo@^1), a folder (./adapters/foo) or a tarball (./foo-1.0.0.tgz).`,
  );
}
