import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** What a running server leaves in its home folder (mode 0600), so that commands on this machine find it. */
const serverFileSchema = z.object({
  url: z.url(),
  pid: z.int().positive(),
  instanceId: z.string(),
  /** Accepted by this server process only, with an operator's rights. */
  token: z.string().nullable(),
});
export type ServerFile = z.infer<typeof serverFileSchema>;

/** Null when no server left a file there; a file that cannot be read as one counts as none. */
export async function readServerFile(home: string): Promise<ServerFile | null> {
  let text: string;
  try {
    text = await readFile(join(home, 'server.json'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    const parsed = serverFileSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    // Half-written by a server that died: the next one replaces it.
    return null;
  }
}
