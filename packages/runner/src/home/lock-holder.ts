import { z } from 'zod';

/** Who holds a lock, as its file says it (`ownIdentity` of the holder). */
export const lockHolderSchema = z.object({
  pid: z.int(),
  startTicks: z.string().nullable(),
  startedAt: z.string().optional(),
  bootId: z.string(),
  host: z.string().optional(),
});
