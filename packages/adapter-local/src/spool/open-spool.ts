import { sleep } from '@runbeat/adapter-sdk';
import type { RunFolder } from '../capsule/run-folder.js';
import type { SpoolCursor } from './spool-cursor.js';
import { openSpoolFile, type SpoolFile } from './spool-file.js';

/** Both outputs of a run, open for reading. */
export interface Spool {
  readonly stdout: SpoolFile;
  readonly stderr: SpoolFile;
  close(): void;
}

/** @throws the file system's error. */
export function openSpool(folder: RunFolder, from: SpoolCursor): Spool {
  const stdout = openSpoolFile(folder.stdout, from.stdout);
  try {
    const stderr = openSpoolFile(folder.stderr, from.stderr);
    return {
      stdout,
      stderr,
      close() {
        stdout.close();
        stderr.close();
      },
    };
  } catch (error) {
    stdout.close();
    throw error;
  }
}

const tryAgainMs = 500;

/** The same for work that goes on anyway: waits while this process or the system has no descriptor left. */
export async function openSpoolPatiently(folder: RunFolder, from: SpoolCursor, signal: AbortSignal): Promise<Spool> {
  for (;;) {
    try {
      return openSpool(folder, from);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if ((code !== 'EMFILE' && code !== 'ENFILE') || signal.aborted) throw error;
      await sleep(tryAgainMs, signal);
    }
  }
}
