import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { RunFolder } from './run-folder.js';

const stopRecord = z.object({
  kind: z.enum(['cancelled', 'timed_out']),
  limitMs: z.number().optional(),
  /** SIGKILL was needed. */
  forced: z.boolean(),
});

/** That a host stopped the run and why, kept so that a later host gives the same result. */
export type StopRecord = z.infer<typeof stopRecord>;

/** Null = nobody stopped the run. */
export function readStopRecord(folder: RunFolder): StopRecord | null {
  try {
    return stopRecord.parse(JSON.parse(readFileSync(folder.stop, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** Notes a stop. The first reason stays: of a record that is there already only `forced` may become true. */
export function writeStopRecord(folder: RunFolder, record: StopRecord): void {
  const earlier = readStopRecord(folder);
  const next = earlier === null ? record : { ...earlier, forced: earlier.forced || record.forced };
  // Renamed into place: a reader never sees half of it.
  const draft = `${folder.stop}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(next), { mode: 0o600 });
  renameSync(draft, folder.stop);
}
