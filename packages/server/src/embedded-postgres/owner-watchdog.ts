import { type ChildProcess, spawn } from 'node:child_process';
import { chown, writeFile } from 'node:fs/promises';
import { type DatabaseUser, spawnIdentity } from './database-user.js';

/**
 * Ends a PostgreSQL that has no owner any more. The owner writes a new word to the beat file every `beatMs`; the watchdog,
 * a shell that sleeps, counts the looks at which the word was still the same and stops PostgreSQL after ten minutes of
 * them. It counts looks, not the clock, so a laptop that slept does not end its database. It belongs to nobody's process
 * tree, lives on after `kill -9` of the owner, and a server that adopts the database simply beats on.
 * It leaves when PostgreSQL is gone, or when a newer watchdog wrote its own name in front of the word.
 */
const script = `
beat_file="$1" postmaster="$2" name="$3" look_seconds="$4" looks="$5"
last="" same=0
while kill -0 "$postmaster" 2>/dev/null; do
  word=""
  read -r owner word < "$beat_file" 2>/dev/null
  [ -n "$owner" ] && [ "$owner" != "$name" ] && exit 0
  if [ "$word" = "$last" ]; then same=$((same + 1)); else same=0; last="$word"; fi
  if [ "$same" -ge "$looks" ]; then kill -INT "$postmaster"; exit 0; fi
  sleep "$look_seconds"
done`;

export interface OwnerWatchdog {
  /** Ends the watchdog, not PostgreSQL. */
  stop(): void;
}

export async function startOwnerWatchdog(options: {
  readonly beatFile: string;
  readonly postmasterPid: number;
  readonly user: DatabaseUser | null;
  readonly beatMs: number;
  /** How long PostgreSQL lives without an owner. */
  readonly orphanMs: number;
  readonly onError: (error: unknown) => void;
}): Promise<OwnerWatchdog> {
  const { beatFile, beatMs, user } = options;
  const name = `${process.pid}-${Date.now().toString(36)}`;
  let count = 0;
  const beat = async (): Promise<void> => {
    count += 1;
    await writeFile(beatFile, `${name} ${count}\n`, { mode: 0o644 });
  };
  await beat();
  if (user !== null) await chown(beatFile, user.uid, user.gid);

  const lookSeconds = Math.max(1, Math.round((beatMs * 2) / 1_000));
  const looks = Math.max(2, Math.ceil(options.orphanMs / (lookSeconds * 1_000)));
  const shell: ChildProcess = spawn(
    '/bin/sh',
    [
      '-c',
      script,
      'runbeat-database-watchdog',
      beatFile,
      String(options.postmasterPid),
      name,
      String(lookSeconds),
      String(looks),
    ],
    { ...spawnIdentity(user), cwd: '/', detached: true, stdio: 'ignore', env: { PATH: process.env['PATH'] } },
  );
  shell.on('error', options.onError);
  shell.unref();
  const timer = setInterval(() => {
    beat().catch(options.onError);
  }, beatMs);
  timer.unref();

  return {
    stop() {
      clearInterval(timer);
      if (shell.pid === undefined || shell.exitCode !== null || shell.signalCode !== null) return;
      try {
        // The group, because the shell's `sleep` would outlive it.
        process.kill(-shell.pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') options.onError(error);
      }
    },
  };
}
