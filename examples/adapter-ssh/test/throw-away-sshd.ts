import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { InternalError } from '@runbeat/adapter-sdk';

/** A real sshd on loopback with keys of its own, for whoever runs the tests, root or not. */
export interface ThrowAwaySshd {
  readonly login: {
    readonly host: string;
    readonly port: number;
    readonly identityFile: string;
    readonly knownHostsFile: string;
    readonly controlFolder: string;
  };
  /** The home folder of whoever logs in. */
  readonly home: string;
  /** Ends the daemon, and every connection: as a host does that is cut off. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

const sshdPath = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/usr/bin/sshd'].find((path) => existsSync(path));

export async function startThrowAwaySshd(): Promise<ThrowAwaySshd> {
  if (sshdPath === undefined) {
    throw new InternalError('These tests need a real sshd, which is not here. On Debian: apt-get install openssh-server');
  }
  const folder = mkdtempSync(join(tmpdir(), 'runbeat-sshd-'));
  chmodSync(folder, 0o700);
  const file = (name: string): string => join(folder, name);
  mkdirSync(file('home'));
  for (const key of ['host_key', 'user_key']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file(key)]);
  writeFileSync(file('authorized_keys'), readFileSync(file('user_key.pub')), { mode: 0o600 });
  // As root sshd insists on this folder; it is made at boot where systemd starts it.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });

  let daemon: ChildProcess | null = null;
  const portIn = (attempt: number): number => 21_000 + ((process.pid * 7 + attempt * 131) % 9_000);
  const tryStart = async (port: number): Promise<boolean> => {
    const settings = [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${file('host_key')}`,
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      `PidFile ${file('pid')}`,
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PermitRootLogin prohibit-password',
      'StrictModes no',
      'UsePAM no',
      // Several connections are opened at once.
      // What a run leaves on the other host goes with this folder.
      `SetEnv HOME=${file('home')}`,
      'MaxStartups 100',
      'MaxSessions 100',
    ];
    writeFileSync(file('config'), `${settings.join('\n')}\n`);
    const child = spawn(sshdPath, ['-D', '-e', '-f', file('config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    const isListening = await new Promise<boolean>((resolve) => {
      let said = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        said += text;
        if (said.includes('Server listening')) resolve(true);
      });
      child.once('exit', () => resolve(false));
    });
    if (isListening) daemon = child;
    return isListening;
  };
  const stop = async (): Promise<void> => {
    const child = daemon;
    daemon = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    const connections = connectionsOf(child.pid ?? 0);
    child.kill('SIGKILL');
    for (const pid of connections) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
    await gone;
  };

  let port = 0;
  for (let attempt = 0; attempt < 20 && port === 0; attempt += 1) {
    if (await tryStart(portIn(attempt))) port = portIn(attempt);
  }
  if (port === 0) throw new InternalError(`sshd found no free port. Try: ${sshdPath} -D -e -f ${file('config')}`);
  writeFileSync(file('known_hosts'), `[127.0.0.1]:${port} ${readFileSync(file('host_key.pub'), 'utf8')}`);
  return {
    login: {
      host: '127.0.0.1',
      port,
      identityFile: file('user_key'),
      knownHostsFile: file('known_hosts'),
      controlFolder: folder,
    },
    home: file('home'),
    stop,
    async start() {
      if (!(await tryStart(port))) throw new InternalError(`sshd did not start again on port ${port}.`);
    },
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The processes of a daemon's connections: its descendants of the same name, not what they started. */
function connectionsOf(daemonPid: number): number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,comm='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+sshd/.exec(line))
    .map((match) => ({ pid: Number(match?.[1]), parent: Number(match?.[2]) }));
  const found = [daemonPid];
  for (const one of found) found.push(...rows.filter(({ parent }) => parent === one).map(({ pid }) => pid));
  return found.slice(1);
}
