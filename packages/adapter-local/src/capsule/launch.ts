import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, writeFileSync } from 'node:fs';
import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import { processHandle } from '@runbeat/adapter-sdk';
import { runCapsuleScript, sessionCapsuleScript } from './capsule-script.js';
import type { RunFolder } from './run-folder.js';

/** What a capsule is to run. */
export interface CapsuleSpec {
  readonly folder: RunFolder;
  /** A path or a name on the environment's `PATH`. */
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Text for stdin; null = nothing to read; `fifo` = the FIFO `stdin` in the folder, for a conversation. */
  readonly stdin: { readonly text: string } | 'fifo' | null;
  /** Largest file, in bytes, that the command may write. */
  readonly fileLimitBytes: number;
}

/** A capsule that waits at its gate: the process exists and is announced, the command has not started. */
export interface Capsule {
  readonly handle: ProcessHandleV1;
  /** Let the command start. */
  release(): void;
  /** Never let it start; the capsule notes that and ends by itself. */
  abandon(): void;
  /** How the capsule itself ended; resolves also when that was before `exited` was asked for. */
  readonly exited: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
}

/**
 * Starts the capsule. Node's own `spawn` and not execa: the shell's path is fixed, every stream is a file descriptor,
 * and a plain child costs a quarter of the memory.
 * @throws what `spawn` or the file system says (no shell, no process, no space); nothing is left running then.
 */
export async function launchCapsule(spec: CapsuleSpec): Promise<Capsule> {
  const { folder } = spec;
  mkdirSync(folder.path, { recursive: true, mode: 0o700 });
  const open: number[] = [];
  const append = (path: string): number => keep(open, openSync(path, 'a', 0o600));
  let child: ChildProcess;
  try {
    writeFileSync(folder.script, spec.stdin === 'fifo' ? sessionCapsuleScript : runCapsuleScript, { mode: 0o600 });
    child = spawn('/bin/sh', [folder.script, folder.path, fileLimitBlocks(spec.fileLimitBytes), spec.command, ...spec.args], {
      cwd: spec.cwd,
      env: { ...spec.environment },
      detached: true,
      stdio: ['pipe', append(folder.stdout), append(folder.capsuleLog), append(folder.stderr), openStdin(spec, open)],
    });
  } finally {
    for (const fd of open) closeSync(fd);
  }
  // An early end of the capsule breaks the gate's pipe; that it ended is told by `exited`.
  child.stdin?.on('error', () => {});
  const pid = child.pid;
  if (pid === undefined) {
    const [error] = (await once(child, 'error')) as [Error];
    throw error;
  }
  const exited = new Promise<{ exitCode: number | null; signal: string | null }>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const handle: ProcessHandleV1 = { ...processHandle(pid, { leadsGroup: true }), ref: { folder: folder.path } };
  writeFileSync(folder.handle, JSON.stringify(handle), { mode: 0o600 });
  return {
    handle,
    exited,
    release: () => child.stdin?.end('go\n'),
    abandon: () => child.stdin?.destroy(),
  };
}

/** One block more than the limit, so that a file longer than the limit is told from one that just fills it. */
function fileLimitBlocks(limitBytes: number): string {
  return String(Math.ceil(limitBytes / 512) + 1);
}

function openStdin(spec: CapsuleSpec, open: number[]): number {
  if (spec.stdin === null || spec.stdin === 'fifo') return keep(open, openSync('/dev/null', 'r'));
  writeFileSync(spec.folder.stdin, spec.stdin.text, { mode: 0o600 });
  return keep(open, openSync(spec.folder.stdin, 'r'));
}

function keep(open: number[], fd: number): number {
  open.push(fd);
  return fd;
}
