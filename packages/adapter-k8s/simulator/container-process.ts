import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Container, Pod, Secret } from './api-objects.js';
import type { CriLog } from './cri-log.js';

export interface ContainerExit {
  readonly exitCode: number;
  readonly isOomKilled: boolean;
  readonly message: string;
}

/** A container as a local process in its own process group. */
export interface ContainerProcess {
  readonly pid: number;
  readonly exited: Promise<ContainerExit>;
  /** SIGTERM as PID 1 gets it: without a handler the kernel ignores it. */
  terminate(): void;
  kill(): void;
  /** Acts the kernel's OOM killer: on the whole container, or only noted while the container goes on (cgroup v1). */
  oomKill(options: { kills: boolean }): void;
  /** Runs a command beside it, for exec. */
  exec(command: readonly string[]): ChildProcess;
}

export interface ContainerPlan {
  readonly container: Container;
  readonly env: Readonly<Record<string, string>>;
  readonly log: CriLog;
  readonly sandbox: Sandbox;
  readonly memoryLimitBytes: number | null;
}

/** The Pod's directories on this machine, in the place of its volumes. */
export interface Sandbox {
  readonly root: string;
  /** Replaces mount paths in a string by the real directories: there are no mount namespaces here. */
  translate(container: Container, text: string): string;
  remove(): void;
}

/** Thrown when the command cannot be started at all: the kubelet's StartError. */
export class ContainerStartError extends Error {}

export function createSandbox(pod: Pod, secretOf: (name: string) => Secret | undefined): Sandbox {
  const root = mkdtempSync(join(tmpdir(), 'runbeat-sim-'));
  for (const volume of pod.spec.volumes ?? []) {
    const folder = join(root, 'volumes', volume.name);
    mkdirSync(folder, { recursive: true });
    if (!volume.secret) continue;
    const data = secretOf(volume.secret.secretName)?.data ?? {};
    const items = volume.secret.items ?? Object.keys(data).map((key) => ({ key, path: key, mode: undefined }));
    for (const item of items) {
      const file = join(folder, item.path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, Buffer.from(data[item.key] ?? '', 'base64'));
    }
  }
  const mounts = (container: Container): [string, string][] => [
    ...(container.volumeMounts ?? []).map((mount): [string, string] => [
      mount.mountPath,
      join(root, 'volumes', mount.name, mount.subPath ?? ''),
    ]),
    [container.terminationMessagePath ?? '/dev/termination-log', join(root, `termination-${container.name}`)],
  ];
  return {
    root,
    translate(container, text) {
      let translated = text;
      for (const [path, real] of mounts(container).sort((a, b) => b[0].length - a[0].length)) {
        const escaped = path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
        translated = translated.replace(new RegExp(`(?<![\\w./-])${escaped}(?![\\w.-])`, 'g'), () => real);
      }
      return translated;
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

export async function startContainer(plan: ContainerPlan): Promise<ContainerProcess> {
  const { container, sandbox, log } = plan;
  const translate = (text: string): string => sandbox.translate(container, text);
  const [file, ...args] = [...(container.command ?? []), ...(container.args ?? [])].map(translate);
  if (file === undefined) throw new ContainerStartError('no command specified');
  const cookie = randomUUID();
  const env = {
    PATH: `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`,
    HOSTNAME: container.name,
    [COOKIE_NAME]: cookie,
    ...Object.fromEntries(Object.entries(plan.env).map(([key, value]) => [key, translate(value)])),
  };
  const cwd = container.workingDir === undefined ? sandbox.root : translate(container.workingDir);
  const spawnHere = (command: string, rest: string[], stdin: 'ignore' | 'pipe'): ChildProcess =>
    spawn(command, rest, { cwd, env, detached: true, stdio: [stdin, 'pipe', 'pipe'] });

  const child = spawnHere(file, args, 'ignore');
  const pid = await startedPid(child, file);
  let isOomKilled = false;
  child.stdout?.on('data', (chunk: Buffer) => log.write('stdout', chunk));
  child.stderr?.on('data', (chunk: Buffer) => log.write('stderr', chunk));
  const signalGroup = (signal: NodeJS.Signals): void => {
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const memoryWatch = plan.memoryLimitBytes === null ? null : watchMemory(pid, plan.memoryLimitBytes, () => oomKill(true));
  function oomKill(kills: boolean): void {
    isOomKilled = true;
    if (kills) signalGroup('SIGKILL');
  }
  const exited = new Promise<ContainerExit>((resolve) => {
    child.on('exit', () => {
      // PID 1 is gone: the kernel kills what is left in the container, so the pipes close.
      signalGroup('SIGKILL');
      killByCookie(cookie);
      clearInterval(memoryWatch ?? undefined);
    });
    child.on('close', (code, signal) => {
      log.end();
      resolve({ exitCode: code ?? 128 + (SIGNAL_NUMBERS[signal ?? 'SIGKILL'] ?? 9), isOomKilled, message: terminationMessage() });
    });
  });
  function terminationMessage(): string {
    try {
      return readFileSync(join(sandbox.root, `termination-${container.name}`), 'utf8').slice(0, 4096);
    } catch {
      return '';
    }
  }
  return {
    pid,
    exited,
    terminate() {
      if (handlesSigterm(pid)) process.kill(pid, 'SIGTERM');
    },
    kill() {
      signalGroup('SIGKILL');
      killByCookie(cookie);
    },
    oomKill: ({ kills }) => oomKill(kills),
    exec: (command) => {
      const [program = '', ...rest] = command.map(translate);
      return spawnHere(program, rest, 'pipe');
    },
  };
}

const SIGNAL_NUMBERS: Partial<Record<NodeJS.Signals, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGPIPE: 13,
  SIGTERM: 15,
};

function startedPid(child: ChildProcess, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('spawn', () => resolve(child.pid ?? 0));
    child.once('error', (error) => reject(new ContainerStartError(startErrorText(file, error))));
  });
}

/** The text of a real StartError (test/golden/06c), shortened. */
function startErrorText(file: string, error: Error): string {
  const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
  const reason = isMissing ? `exec: "${file}": executable file not found in $PATH` : `exec: "${file}": permission denied`;
  return `failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: ${reason}: unknown`;
}

const COOKIE_NAME = 'RUNBEAT_SIMULATED_CONTAINER';

/** In the place of a PID namespace: processes that left the group still carry the container's variable. */
function killByCookie(cookie: string): void {
  if (process.platform !== 'linux') return;
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readFileSync(`/proc/${pid}/environ`, 'latin1').includes(cookie)) process.kill(Number(pid), 'SIGKILL');
    } catch {
      // Gone meanwhile, or another user's.
    }
  }
}

/** SigCgt of /proc: bit 14 is SIGTERM. Where there is no /proc the handler is taken for granted. */
function handlesSigterm(pid: number): boolean {
  try {
    const caught = /^SigCgt:\s*([0-9a-f]+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return caught === undefined || (BigInt(`0x${caught}`) & (1n << 14n)) !== 0n;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT' || process.platform !== 'linux';
  }
}

function watchMemory(pid: number, limitBytes: number, onExceeded: () => void): NodeJS.Timeout {
  return setInterval(() => {
    try {
      const kilobytes = Number(/^RssAnon:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
      if (kilobytes * 1024 > limitBytes) onExceeded();
    } catch {
      // No /proc, or the process is gone: its exit is on the way.
    }
  }, 50);
}
