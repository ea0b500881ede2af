import { type ChildProcess, spawn } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { runbeatCommand } from './test-server.js';

export interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `runbeat …` that is at work. */
export interface StartedCommand {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<CommandResult>;
}

export function startCommand(
  args: readonly string[],
  options: {
    readonly home: string;
    readonly environment?: Record<string, string>;
    readonly input?: string;
    readonly cwd?: string;
  },
): StartedCommand {
  const child = spawn(process.execPath, [runbeatCommand, ...args], {
    env: { ...process.env, RUNBEAT_HOME: options.home, ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd ? { cwd: options.cwd } : {}),
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (data) => (stdout += data));
  child.stderr.on('data', (data) => (stderr += data));
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  onTestFinished(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  });
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr }))),
  };
}

export const runCommand = (args: readonly string[], options: Parameters<typeof startCommand>[1]): Promise<CommandResult> =>
  startCommand(args, options).ended;
