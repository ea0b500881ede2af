import { basename } from 'node:path';
import { createAdapterError } from './create-adapter-error.js';

/** What a person asked for. */
export interface ProjectRequest {
  /** Path of the folder to create, as it was typed. */
  readonly folder: string;
  /** npm name; null = made from the folder's name. */
  readonly name: string | null;
  /** The adapter's `type`; null = made from the npm name. */
  readonly type: string | null;
}

export interface ProjectPlan {
  readonly folder: string;
  readonly name: string;
  readonly type: string;
}

const namePart = /^[a-z0-9][a-z0-9._-]*$/;
const typePattern = /^[a-z][a-z0-9_-]{0,62}$/;

/**
 * Names for a new project: the npm name is the folder's, the type is the npm name without scope and without the words
 * that every adapter's name has (`@acme/runbeat-adapter-foo` → `foo`).
 * @throws CreateAdapterError `name_invalid` or `type_invalid`, with an option that mends it.
 */
export function planProject({ folder, name, type }: ProjectRequest): ProjectPlan {
  const chosenName = checkedName(name ?? basename(folder), name === null);
  return { folder, name: chosenName, type: checkedType(type ?? typeFromName(chosenName), type === null) };
}

function checkedName(name: string, isFromFolder: boolean): string {
  const [scope, rest] = name.startsWith('@') ? name.slice(1).split('/', 2) : [null, name];
  const isValid =
    name.length <= 214 &&
    (scope === null || namePart.test(scope ?? '')) &&
    namePart.test(rest ?? '') &&
    name.split('/').length <= 2;
  if (isValid) return name;
  const suggestion = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  throw createAdapterError(
    'name_invalid',
    `'${name}'${isFromFolder ? ' (the name of the folder)' : ''} is no name for an npm package: at most 214 characters, only a-z, 0-9, '-', '_' and '.', starting with a letter or digit. Try: --name ${suggestion || 'my-adapter'}`,
  );
}

function typeFromName(name: string): string {
  const withoutScope = name.slice(name.indexOf('/') + 1);
  const short = withoutScope
    .replace(/^runbeat-/, '')
    .replace(/^adapter-(?=.)/, '')
    .replace(/(?<=.)-adapter$/, '');
  return short.replaceAll('.', '-');
}

function checkedType(type: string, isFromName: boolean): string {
  if (typePattern.test(type)) return type;
  throw createAdapterError(
    'type_invalid',
    `'${type}'${isFromName ? ' (made from the name)' : ''} is no adapter type: a letter, then at most 62 of a-z, 0-9, '-' and '_'. Give one: --type my-adapter`,
  );
}
