import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { AdapterError, workloadEnvironment } from '@runbeat/adapter-sdk';
import type { Config } from './config.js';

/** How to reach the other host. */
export type Login = Pick<Config, 'host' | 'port' | 'user' | 'identityFile' | 'knownHostsFile' | 'controlFolder'>;

/** ssh's own exit code when the connection failed; a script's exit code is never this. */
const connectionFailed = 255;
const scriptLimitMs = 30_000;

export interface ScriptLimits {
  /** Time that the script itself needs, on top of the 30 s for any. */
  readonly extraMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Runs a script on the other host and gives what it printed.
 * @throws AdapterError `ssh.unreachable` (may be tried again): no connection, a time-out, an abort of `signal`.
 */
export async function runScript(
  login: Login,
  script: string,
  { extraMs = 0, signal }: ScriptLimits = {},
): Promise<{ stdout: string; stderr: string; exitCode: number }> {
  const child = openScript(login, script);
  const limit = AbortSignal.timeout(scriptLimitMs + extraMs);
  const kill = (): void => void child.kill('SIGKILL');
  const ending = signal === undefined ? limit : AbortSignal.any([limit, signal]);
  if (ending.aborted) kill();
  ending.addEventListener('abort', kill, { once: true });
  try {
    const [stdout, stderr, exitCode] = await Promise.all([textOf(child.stdout), textOf(child.stderr), exitCodeOf(child)]);
    if (exitCode === connectionFailed || exitCode === null)
      throw unreachable(login, ending.aborted ? 'no answer in time' : stderr.trim());
    return { stdout: stdout.trim(), stderr: stderr.trim(), exitCode };
  } finally {
    ending.removeEventListener('abort', kill);
  }
}

/** Starts a script and leaves its streams to the caller. */
export function openScript(login: Login, script: string): ChildProcessWithoutNullStreams {
  const child = spawn('ssh', sshArguments(login), {
    env: workloadEnvironment({ environment: {} }, { SSH_AUTH_SOCK: process.env['SSH_AUTH_SOCK'] }),
    stdio: 'pipe',
  });
  // A connection that breaks while the script is sent shows in the exit code.
  child.stdin.on('error', () => {});
  child.stdin.end(script);
  return child;
}

/** Rejects when there is no ssh program here. Null = it was ended by a signal. */
export function exitCodeOf(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) =>
      reject(
        new AdapterError(
          'ssh.program_missing',
          `The program ssh cannot be started: ${cause.message}. Install the OpenSSH client.`,
          { cause },
        ),
      ),
    );
    child.once('close', (exitCode) => resolve(exitCode));
  });
}

export function unreachable({ host, port }: Login, reason: string): AdapterError {
  const place = port === undefined ? host : `${host}, port ${port}`;
  return new AdapterError('ssh.unreachable', `No connection to ${place}: ${reason || 'ssh gave no reason'}`, { retryable: true });
}

function sshArguments({ host, port, user, identityFile, knownHostsFile, controlFolder }: Login): string[] {
  const option = (name: string, value: string | number): string[] => ['-o', `${name}=${value}`];
  return [
    '-T',
    // Nobody is here to type a password or to say yes.
    ...option('BatchMode', 'yes'),
    ...option('ConnectTimeout', 10),
    // A connection that went silent is noticed within 30 seconds.
    ...option('ServerAliveInterval', 10),
    ...option('ServerAliveCountMax', 3),
    ...option('LogLevel', 'ERROR'),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
    ...(identityFile === undefined ? [] : ['-i', identityFile, ...option('IdentitiesOnly', 'yes')]),
    ...(knownHostsFile === undefined ? [] : option('UserKnownHostsFile', knownHostsFile)),
    // A login takes a good part of a second; a connection that is there takes none.
    ...(controlFolder === undefined
      ? []
      : [...option('ControlMaster', 'auto'), ...option('ControlPath', `${controlFolder}/%C`), ...option('ControlPersist', 60)]),
    '--',
    host,
    'exec sh -s',
  ];
}

async function textOf(stream: NodeJS.ReadableStream): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts).toString('utf8');
}
