import { createRequire } from 'node:module';
import { dirname } from 'node:path';

/**
 * The folder of `@runbeat/adapter-paperclip`, whose lifter is loaded inside the worker of a Paperclip package and nowhere
 * else: this module imports nothing of it. Null where it is not installed; such packages are then no adapters.
 */
export function paperclipLifterFolder(): string | null {
  try {
    return dirname(createRequire(import.meta.url).resolve('@runbeat/adapter-paperclip/package.json'));
  } catch {
    return null;
  }
}
