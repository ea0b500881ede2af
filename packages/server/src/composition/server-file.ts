import { readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a running server leaves in its home folder, so that commands on this machine find it. */
export interface ServerFile {
  readonly url: string;
  readonly pid: number;
  readonly instanceId: string;
  /** Accepted by this server process only, with an operator's rights; readable by its user only. */
  readonly token: string;
}

const fileName = 'server.json';

/** Written whole, so that a reader never sees half of it. */
export async function writeServerFile(home: string, file: ServerFile): Promise<void> {
  const path = join(home, fileName);
  await writeFile(`${path}.new`, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}

/** Removes the file if it is still ours. */
export async function removeServerFile(home: string, pid: number): Promise<void> {
  const path = join(home, fileName);
  try {
    const file = JSON.parse(await readFile(path, 'utf8')) as Partial<ServerFile>;
    if (file.pid === pid) await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }
}
