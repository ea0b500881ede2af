import { existsSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import type { RunFolder } from './run-folder.js';

/** What the capsule wrote down at the end. */
export type ExitRecord =
  /** The host died, or gave the run up, before it let the command start. */
  | { readonly kind: 'not_started' }
  /** The command could not be executed: 126 = not executable, 127 = not found. */
  | { readonly kind: 'exec_failed'; readonly status: 126 | 127 | number }
  | { readonly kind: 'exited'; readonly exitCode: number; readonly at: Date }
  | { readonly kind: 'signalled'; readonly signal: string; readonly at: Date };

/** The capsule's last word; null while there is none. Synchronous: a few microseconds, asked at every wake. */
export function readExitRecord(folder: RunFolder): ExitRecord | null {
  const text = readIfThere(folder.exit);
  // Without its line end the record is still being written, or the disk was full.
  if (text === null || !text.endsWith('\n')) return null;
  if (text === 'not_started\n') return { kind: 'not_started' };
  const status = Number.parseInt(text, 10);
  if (readIfThere(folder.execFailed) !== null) return { kind: 'exec_failed', status };
  return { ...exitFromStatus(status, readIfThere(folder.capsuleLog) ?? ''), at: statSync(folder.exit).mtime };
}

/**
 * A shell gives 128 + n both for a command that signal n ended and for one that exits with that number. It reports
 * the first on its own stderr, but for SIGINT and SIGPIPE, and some shells not for SIGTERM either: those are believed
 * to be signals without a report.
 */
export function exitFromStatus(
  status: number,
  shellReport: string,
): { kind: 'exited'; exitCode: number } | { kind: 'signalled'; signal: string } {
  const signal = signalNames.get(status - 128);
  if (signal === undefined) return { kind: 'exited', exitCode: status };
  const isReported = shellReport.trim() !== '';
  return isReported || unreportedSignals.has(signal) ? { kind: 'signalled', signal } : { kind: 'exited', exitCode: status };
}

const unreportedSignals: ReadonlySet<string> = new Set(['SIGINT', 'SIGPIPE', 'SIGTERM']);
const signalNames: ReadonlyMap<number, string> = new Map(
  // The first name of a number is its usual one: SIGABRT before SIGIOT, SIGIO before SIGPOLL.
  Object.entries(constants.signals)
    .reverse()
    .map(([name, number]) => [number, name]),
);

function readIfThere(path: string): string | null {
  // Asked at every wake: an exception for the usual no would cost more than all the rest of the look.
  if (!existsSync(path)) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
