import { z } from 'zod';

/** How an adapter package is to be run; the `settings` of its row, or of its entry in the server's settings. */
export const installSettingsSchema = z.object({
  /** Variables of the server's environment that the worker may see. */
  environment: z.array(z.string().min(1)).default([]),
  maxHeapMb: z.int().positive().optional(),
  /** It takes a type that another adapter has. */
  override: z.boolean().default(false),
  /** npm may run install scripts, also when another instance follows the row. */
  allowScripts: z.boolean().default(false),
});
export type InstallSettings = z.infer<typeof installSettingsSchema>;

/** Settings of a row; one that a newer server wrote and that cannot be read counts as the defaults. */
export function installSettingsFrom(raw: unknown): InstallSettings {
  const parsed = installSettingsSchema.safeParse(raw ?? {});
  return parsed.success ? parsed.data : installSettingsSchema.parse({});
}
