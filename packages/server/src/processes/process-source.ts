import type { ProcessEntry } from './process-entry.js';

/** Where processes are read from: `/proc` on Linux, `ps` on macOS. */
export interface ProcessSource {
  /** Of this boot of the host; a handle of another boot is gone. */
  readonly bootId: string;
  /** This process itself, read at once; null = the system did not tell. */
  own(): ProcessEntry | null;
  /** Null = there is no such process. Rejects when the system did not answer. */
  find(pid: number): Promise<ProcessEntry | null>;
  list(): Promise<readonly ProcessEntry[]>;
  /** The run that a process belongs to, by the cookie in its environment; null = none, or it may not be read. */
  runIdOf(pid: number): Promise<string | null>;
}
