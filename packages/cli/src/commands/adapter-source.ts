import { resolve } from 'node:path';

/** Folders and tarballs are named from where the command is typed, not from where the server runs. */
export function sourceFromArgument(source: string): string {
  const isPath = /^(\.{1,2}(\/|$)|\/)/.test(source) || /\.(tgz|tar\.gz)$/.test(source);
  const isAddress = /^[a-z+]+:/i.test(source);
  return isPath && !isAddress ? resolve(source) : source;
}
