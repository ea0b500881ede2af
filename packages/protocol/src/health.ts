import { z } from 'zod';

/** `/healthz`: the process answers. */
export const healthSchema = z.object({
  status: z.literal('ok'),
  version: z.string(),
  instanceId: z.string(),
  uptimeMs: z.int(),
});
export type Health = z.infer<typeof healthSchema>;

/** `/readyz`: 200 when every check is ok, else 503 with the same body. */
export const readinessSchema = z.object({
  status: z.enum(['ready', 'not_ready']),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), message: z.string() })),
});
export type Readiness = z.infer<typeof readinessSchema>;
