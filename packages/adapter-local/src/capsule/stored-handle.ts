import { readFileSync } from 'node:fs';
import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';
import type { RunFolder } from './run-folder.js';

const processHandle = z.object({
  kind: z.literal('process'),
  pid: z.int().positive(),
  processGroupId: z.int().positive().nullable(),
  startedAt: z.string(),
  host: z.string(),
  bootId: z.string(),
  startTicks: z.string().nullable(),
  ref: z.json().exactOptional(),
}) satisfies z.ZodType<ProcessHandleV1>;

/**
 * The handle that was written when the capsule started, for hosts that lost theirs. Null = none was written, or its
 * host died in the middle of that; the capsule ends by itself then.
 */
export function storedHandle(folder: RunFolder): ProcessHandleV1 | null {
  let text: string;
  try {
    text = readFileSync(folder.handle, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return processHandle.parse(JSON.parse(text));
  } catch {
    return null;
  }
}
