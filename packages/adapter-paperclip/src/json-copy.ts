import type { Json } from '@runbeat/adapter-sdk';

/** A value as JSON, whatever a module has put into it; undefined when it cannot be told as JSON at all. */
export function jsonCopy(value: unknown): Json | undefined {
  try {
    const text: unknown = JSON.stringify(value);
    return typeof text === 'string' ? (JSON.parse(text) as Json) : undefined;
  } catch {
    // A cycle or a BigInt. What is told here is additional, so leaving it out is better than failing the run.
    return undefined;
  }
}
