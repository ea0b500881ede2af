import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runnerTokenSchema } from '@runbeat/protocol';
import { z } from 'zod';
import { runnerError } from '../runner-error.js';
import { writeDurably } from './write-durably.js';

const identitySchema = z.object({
  formatVersion: z.literal(1),
  homeId: z.uuid(),
  /** Made here; the server knows its hash only. */
  token: runnerTokenSchema,
  /** By the server's URL, since one machine may be moved between servers; absent = not registered there. */
  runnerIds: z.record(z.string(), z.uuid()),
});
export type RunnerIdentity = z.infer<typeof identitySchema>;

/** Who this runner is, kept in its home folder. A home without an identity gets one before anything is sent. */
export async function loadIdentity(home: string): Promise<RunnerIdentity> {
  const path = join(home, 'identity.json');
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw unusable(path, error);
    const identity: RunnerIdentity = {
      formatVersion: 1,
      homeId: randomUUID(),
      token: `rbr_${randomBytes(32).toString('base64url')}`,
      runnerIds: {},
    };
    await storeIdentity(home, identity);
    return identity;
  }
  try {
    return identitySchema.parse(JSON.parse(text));
  } catch (error) {
    throw unusable(path, error);
  }
}

export async function storeIdentity(home: string, identity: RunnerIdentity): Promise<void> {
  await writeDurably(join(home, 'identity.json'), `${JSON.stringify(identity, null, 2)}\n`);
}

function unusable(path: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return runnerError('runner_home_unusable', `${path} cannot be used: ${reason}. Mend it, or remove it to register anew.`, {
    cause,
  });
}
