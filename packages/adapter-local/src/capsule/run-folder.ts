import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join } from 'node:path';
import type { RunHandleV1 } from '@runbeat/adapter-sdk';

/** The files of one run. Everything that a later host must know stands here or in the handle. */
export interface RunFolder {
  readonly path: string;
  /** The capsule's program. */
  readonly script: string;
  /** What the command wrote; appended by the command itself, read by hosts. */
  readonly stdout: string;
  readonly stderr: string;
  /** What the command reads: a file, for conversations a FIFO; absent when it reads nothing. */
  readonly stdin: string;
  /** Conversations: FIFO whose opening and closing ends the command's stdin. */
  readonly close: string;
  /** Conversations: there as soon as the command has its stdin open. */
  readonly opened: string;
  /** Conversations: there while a message is written that could be cut by the death of its host. */
  readonly partial: string;
  /** Conversations: what a later host must know of the protocol's state, as JSON. */
  readonly protocol: string;
  /** `/proc/self/stat` (elsewhere the pid) of the command at its start, written by the capsule. */
  readonly command: string;
  /** One line, written by the capsule at the end: an exit status, or `not_started`. */
  readonly exit: string;
  /** Exit status of the shell, there only when the command could not be executed at all. */
  readonly execFailed: string;
  /** What the shell itself said; it names the signal that ended the command. */
  readonly capsuleLog: string;
  /** The handle as JSON, for `terminate` without one. */
  readonly handle: string;
  /** Why a host stopped the run, as JSON; absent when none did. */
  readonly stop: string;
}

/** Where the runs of this user are kept unless an option says otherwise: `$RUNBEAT_HOME/runs`, else `~/.runbeat/runs`. */
export function defaultRunsDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const home = environment['RUNBEAT_HOME'];
  return join(home !== undefined && home !== '' ? home : join(homedir(), '.runbeat'), 'runs');
}

const safeName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/**
 * The folder of a run that is taken over. The handle names it: an instance with another home folder on the same machine
 * may be the one that takes over.
 */
export function runFolderOf(handle: RunHandleV1 | null, runsDirectory: string, runId: string): RunFolder {
  const named = handle?.kind === 'process' ? (handle.ref as { readonly folder?: unknown } | undefined)?.folder : undefined;
  return typeof named === 'string' && isAbsolute(named)
    ? runFolder(dirname(named), basename(named))
    : runFolder(runsDirectory, runId);
}

export function runFolder(runsDirectory: string, runId: string): RunFolder {
  // A run id is the host's to choose; whatever it holds, it must not lead out of the folder.
  const name = safeName.test(runId) ? runId : `h-${createHash('sha256').update(runId).digest('hex')}`;
  const path = join(runsDirectory, name);
  const file = (fileName: string): string => join(path, fileName);
  return {
    path,
    script: file('capsule.sh'),
    stdout: file('stdout'),
    stderr: file('stderr'),
    stdin: file('stdin'),
    close: file('close'),
    opened: file('opened'),
    partial: file('partial'),
    protocol: file('protocol'),
    command: file('command'),
    exit: file('exit'),
    execFailed: file('exec-failed'),
    capsuleLog: file('capsule'),
    handle: file('handle'),
    stop: file('stop'),
  };
}
