import { readdirSync, readFileSync } from 'node:fs';

/** By how much waits may be longer than they say: CI shares its cores with others, and a wait ends with its event anyway. */
export const patience = process.env['CI'] ? 3 : 1;

/** Asks again until it is true; fails with `what` after `limitMs`. */
export async function waitUntil(is: () => boolean | Promise<boolean>, limitMs: number, what: () => string): Promise<void> {
  const started = performance.now();
  while (!(await is())) {
    if (performance.now() - started > limitMs * patience) throw new Error(`waited ${limitMs} ms for ${what()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A zombie is dead. */
export function isAlive(pid: number): boolean {
  try {
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/**
 * Ends whatever names this folder in its command line or environment: work that survives its server, as it should, must
 * not survive the test. The folder is a throw-away one of ours.
 */
export async function endProcessesOf(folder: string): Promise<void> {
  const namesIt = (pid: number): boolean =>
    ['cmdline', 'environ'].some((file) => {
      try {
        return readFileSync(`/proc/${pid}/${file}`, 'latin1').includes(folder);
      } catch {
        // Gone meanwhile, or not ours to read.
        return false;
      }
    });
  const ours = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && namesIt(pid) && isAlive(pid));
  for (const pid of ours) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  await waitUntil(
    () => ours.every((pid) => !isAlive(pid)),
    10_000,
    () => `processes ${ours.join(', ')} of ${folder} to end`,
  );
}

/** Living processes whose environment holds this text, such as a run's cookie. */
export function processesWith(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(text) && isAlive(pid);
      } catch {
        // Gone meanwhile, or not ours to read.
        return false;
      }
    });
}
