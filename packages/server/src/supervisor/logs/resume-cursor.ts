import type { OutputStreamV1 } from '@runbeat/adapter-sdk';

/** UTF-16 units of stored text per stream. */
export type StoredUnits = Record<OutputStreamV1, number>;

/**
 * Where output goes on after a restart: the adapter's cursor, and how much of what the adapter will deliver from there is
 * stored already. See docs/decisions/0005.
 */
export interface ResumePoint {
  /** What `reattach` gets; null = from the start. */
  readonly adapterCursor: string | null;
  readonly stored: Readonly<StoredUnits>;
}

const mark = '~';

/** The form in which a resume point is stored with a record. The usual one, with nothing to skip, is the adapter's own cursor. */
export function resumeCursorFromPoint({ adapterCursor, stored }: ResumePoint): string | null {
  const isPlain = stored.stdout === 0 && stored.stderr === 0 && stored.system === 0;
  if (isPlain && (adapterCursor === null || !adapterCursor.startsWith(mark))) return adapterCursor;
  const skip = `${stored.stdout}.${stored.stderr}.${stored.system}`;
  return `${mark}${skip}${adapterCursor === null ? '-' : `+${adapterCursor}`}`;
}

export function resumePointFromCursor(cursor: string | null): ResumePoint {
  const match = cursor === null ? null : /^~(\d+)\.(\d+)\.(\d+)([-+])/.exec(cursor);
  if (cursor === null || !match) return { adapterCursor: cursor, stored: { stdout: 0, stderr: 0, system: 0 } };
  return {
    adapterCursor: match[4] === '-' ? null : cursor.slice(match[0].length),
    stored: { stdout: Number(match[1]), stderr: Number(match[2]), system: Number(match[3]) },
  };
}
