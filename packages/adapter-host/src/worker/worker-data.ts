import { z } from 'zod';

/** What a worker is started with. The port follows as the first message, so that no adapter can get hold of it. */
export const workerData = z.object({
  candidates: z.array(z.string()),
  options: z.unknown(),
  lifters: z.array(z.string()),
  /** Bytes of stdout and stderr that the host has not taken yet; the worker waits at a limit, as at a full pipe. */
  outputPending: z.custom<Int32Array<ArrayBufferLike>>((value) => value instanceof Int32Array),
});
export type WorkerData = z.infer<typeof workerData>;
