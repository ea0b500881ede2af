import { type ChildProcess, spawn } from 'node:child_process';
import type { RunnerHealth } from '@runbeat/protocol';
import type { InstalledAdapterListing } from '@runbeat/runner';
import { runbeatCommand } from '../../harness/test-server.js';
import { endChild } from './end-child.js';

export interface CommandAnswer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `runbeat runner` and `runbeat runner adapters …` over one home folder, as somebody types them. */
export interface CommandRunner {
  readonly home: string;
  /** What the runner's process wrote. */
  output(): string;
  start(args?: readonly string[]): Promise<void>;
  /** Ends it and resolves with its exit code when it is gone. */
  end(name?: NodeJS.Signals): Promise<number | null>;
  health(): Promise<RunnerHealth>;
  /** `runbeat runner adapters …`, waited for. */
  adapters(...args: string[]): Promise<CommandAnswer>;
  /** The same, at work in a process group of its own. */
  startAdapters(...args: string[]): { readonly child: ChildProcess; readonly ended: Promise<CommandAnswer> };
  list(): Promise<readonly InstalledAdapterListing[]>;
}

export function createCommandRunner(options: {
  readonly serverUrl: string;
  readonly home: string;
  readonly label: string;
  readonly environment: Readonly<Record<string, string>>;
}): CommandRunner {
  const { serverUrl, home, label } = options;
  const environment = { ...process.env, ...options.environment };
  let child: ChildProcess | null = null;
  let output = '';
  let healthPort = 0;

  const startAdapters: CommandRunner['startAdapters'] = (...args) => {
    const command = spawn(process.execPath, [runbeatCommand, 'runner', 'adapters', ...args, '--home', home], {
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let stderr = '';
    command.stdout.on('data', (data) => (stdout += data));
    command.stderr.on('data', (data) => (stderr += data));
    // `exit`, not `close`: an npm that outlives a killed command may hold its pipes.
    return {
      child: command,
      ended: new Promise((resolve) => command.once('exit', (code) => setImmediate(() => resolve({ code, stdout, stderr })))),
    };
  };

  return {
    home,
    output: () => output,
    async start(args = []) {
      const all = ['--json', 'runner', '--server', serverUrl, '--home', home, '--label', label, '--health-port', '0', ...args];
      const started = spawn(process.execPath, [runbeatCommand, ...all], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
      child = started;
      await new Promise<void>((resolve, reject) => {
        let text = '';
        const take = (data: Buffer): void => {
          text += String(data);
          output += String(data);
          const line = text.split('\n').find((each) => each.includes('"type":"started"'));
          if (line === undefined || !text.includes(`${line}\n`)) return;
          healthPort = (JSON.parse(line) as { healthPort: number }).healthPort;
          resolve();
        };
        started.stdout?.on('data', take);
        started.stderr?.on('data', (data: Buffer) => (output += String(data)));
        started.once('exit', (code) => reject(new Error(`runbeat runner ended with ${code}: ${output}`)));
      });
    },
    end: (name = 'SIGTERM') => endChild(child, name),
    async health() {
      return (await (await fetch(`http://127.0.0.1:${healthPort}/health`)).json()) as RunnerHealth;
    },
    startAdapters,
    adapters: (...args) => startAdapters(...args).ended,
    async list() {
      const { stdout } = await startAdapters('list', '--json').ended;
      return (JSON.parse(stdout) as { items: InstalledAdapterListing[] }).items;
    },
  };
}
