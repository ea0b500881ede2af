import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { workloadEnvironment } from '@runbeat/adapter-sdk';
import { hostError } from '../adapter-host-error.js';

/** An install that takes longer is stuck: npm retries a registry that does not answer for about as long. */
const NPM_LIMIT_MS = 5 * 60_000;
/** Of npm's output, what an error tells. */
const TOLD_LINES = 12;
const KEPT_LENGTH = 64 * 1024;

export interface NpmRun {
  readonly args: readonly string[];
  readonly cwd: string;
  /** For messages: what was to be installed. */
  readonly what: string;
  /** The host's environment; npm sees of it what programs need, npm's own settings and registry tokens. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
}

/**
 * Runs the npm command line and gives its stdout.
 * @throws `adapter_install_failed` with npm's last lines; the whole process group is gone then.
 */
export async function runNpm(run: NpmRun): Promise<string> {
  run.signal?.throwIfAborted();
  const [program, leading] = findNpm();
  const child = spawn(program, [...leading, ...run.args], {
    cwd: run.cwd,
    env: npmEnvironment(run.environment),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that git, node-gyp and scripts end with it.
    detached: process.platform !== 'win32',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout = (stdout + text).slice(-KEPT_LENGTH);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-KEPT_LENGTH);
  });
  let endedBecause: string | null = null;
  const end = (why: string): void => {
    endedBecause ??= why;
    killGroup(child.pid);
  };
  const timer = setTimeout(() => end(`npm took longer than ${NPM_LIMIT_MS / 60_000} minutes`), NPM_LIMIT_MS);
  const abort = (): void => end('the request was given up');
  run.signal?.addEventListener('abort', abort, { once: true });
  try {
    const { code, cause } = await exitOf(child);
    if (code === 0 && endedBecause === null) return stdout;
    const why = endedBecause ?? (cause ? `npm could not be started (${cause.message})` : `npm exited with code ${code}`);
    throw hostError('adapter_install_failed', `Installing ${run.what} failed: ${why}. ${lastLines(stderr || stdout)}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
    run.signal?.removeEventListener('abort', abort);
  }
}

function exitOf(child: ReturnType<typeof spawn>): Promise<{ code: number | null; cause?: Error }> {
  return new Promise((resolve) => {
    child.once('error', (cause) => resolve({ code: null, cause }));
    child.once('close', (code) => resolve({ code }));
  });
}

/** The npm that came with this Node, else the one on the PATH. Started without a shell, so that no spec is interpreted. */
function findNpm(): [program: string, leading: string[]] {
  const bundled = join(dirname(process.execPath), '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js');
  return existsSync(bundled) ? [process.execPath, [bundled]] : ['npm', []];
}

const registryTokens = new Set(['NPM_TOKEN', 'NODE_AUTH_TOKEN']);

function npmEnvironment(source: NpmRun['environment']): Record<string, string> {
  const own = Object.entries(source).filter(([name]) => /^npm_config_/i.test(name) || registryTokens.has(name));
  return workloadEnvironment({ environment: {} }, Object.fromEntries(own), source);
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended by itself in this moment.
  }
}

function lastLines(output: string): string {
  const lines = output
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !/A complete log of this run/.test(line));
  return lines.length === 0 ? 'npm said nothing.' : `npm's last lines:\n${lines.slice(-TOLD_LINES).join('\n')}`;
}
