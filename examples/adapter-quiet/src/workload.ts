import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ExecuteContextV1, workloadEnvironment } from '@runbeat/adapter-sdk';
import type { Config } from './config.js';

export interface Exit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program that was started, and the files that it writes to. */
export interface Workload {
  readonly pid: number;
  readonly files: { readonly stdout: string; readonly stderr: string };
  /** Null while it runs. */
  readonly exit: Exit | null;
  readonly exited: Promise<Exit>;
  /** Removes the files: the program has ended and its output is with the host. */
  discard(): void;
}

/**
 * Starts the program on its own: its output goes to files, since a pipe would die with us and take the program along,
 * and it leads its own process group, so that no signal for us reaches it.
 * @throws the error of the start, for a program that is not there.
 */
export async function startWorkload({ config, ...context }: ExecuteContextV1<Config>): Promise<Workload> {
  const folder = mkdtempSync(join(tmpdir(), `runbeat-quiet-${context.runId}-`));
  const files = { stdout: join(folder, 'stdout'), stderr: join(folder, 'stderr') };
  const [stdout, stderr] = [openSync(files.stdout, 'a'), openSync(files.stderr, 'a')];
  try {
    const child = spawn(config.command, config.args, {
      detached: true,
      env: workloadEnvironment(context, config.env),
      stdio: ['ignore', stdout, stderr],
    });
    child.unref();
    const started = await startOf(child);
    const exited = new Promise<Exit>((resolve) => child.once('exit', (exitCode, signal) => resolve({ exitCode, signal })));
    let exit: Exit | null = null;
    void exited.then((known) => {
      exit = known;
    });
    return {
      pid: started,
      files,
      exited,
      get exit() {
        return exit;
      },
      discard: () => rmSync(folder, { recursive: true, force: true }),
    };
  } finally {
    // The program has its own copies.
    closeSync(stdout);
    closeSync(stderr);
  }
}

function startOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid ?? 0));
  });
}
