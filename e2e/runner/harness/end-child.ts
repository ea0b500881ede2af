import type { ChildProcess } from 'node:child_process';

/** Signals a child and resolves with its exit code when it is gone; at once when it was gone before. */
export async function endChild(child: ChildProcess | null, name: NodeJS.Signals): Promise<number | null> {
  if (!child || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  child.kill(name);
  return gone;
}
