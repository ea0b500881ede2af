import { packageFolder } from '@runbeat/adapter-host';

/**
 * What is loaded inside the worker of a Paperclip package and nowhere else: this module imports nothing of it. Empty where
 * `@runbeat/adapter-paperclip` is not installed; such packages are then no adapters.
 */
export function paperclipLifters(): readonly string[] {
  const folder = packageFolder('@runbeat/adapter-paperclip', import.meta.url);
  return folder === null ? [] : [folder];
}
