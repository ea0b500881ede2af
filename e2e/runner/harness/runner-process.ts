import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunnerHealth } from '@runbeat/protocol';
import type { RunnerClientSettings } from '@runbeat/runner';
import { endChild } from './end-child.js';
import { quickRunner } from './light-bench.js';

const program = fileURLToPath(new URL('../programs/runner-process.mjs', import.meta.url));

/** A real runner process over a home folder; it can be started again after it was killed. */
export interface RunnerProcess {
  readonly home: string;
  readonly log: string[];
  pid(): number;
  start(): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Kills it and resolves when it is gone. */
  end(name?: NodeJS.Signals): Promise<number | null>;
  /** From its port. */
  health(): Promise<RunnerHealth>;
  healthFile(): Promise<RunnerHealth>;
}

export function createRunnerProcess(options: {
  readonly serverUrl: string;
  readonly token?: string;
  readonly home: string;
  readonly runsDirectory: string;
  readonly labels?: readonly string[];
  readonly slots?: number;
  /** Adapter packages in its home folder. */
  readonly packages?: readonly string[];
  readonly settings?: Partial<RunnerClientSettings>;
}): RunnerProcess {
  let child: ChildProcess | null = null;
  let port = 0;
  const log: string[] = [];

  async function start(): Promise<void> {
    const config = {
      labels: ['test'],
      healthPort: 0,
      ...options,
      settings: { ...quickRunner, stopGraceMs: 3_000, ...options.settings },
    };
    const started = spawn(process.execPath, [program, JSON.stringify(config)], { stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    let errors = '';
    started.stderr?.on('data', (chunk: Buffer) => {
      errors += String(chunk);
    });
    await new Promise<void>((resolve, reject) => {
      let rest = '';
      started.stdout?.on('data', (chunk: Buffer) => {
        const lines = (rest + String(chunk)).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          log.push(line);
          const entry = JSON.parse(line) as { message: string; port?: number };
          if (entry.message === 'started') {
            port = entry.port ?? 0;
            resolve();
          }
        }
      });
      started.once('exit', (code) => reject(new Error(`the runner ended with ${code} before it was started: ${errors}`)));
    });
  }

  return {
    home: options.home,
    log,
    pid: () => child?.pid ?? 0,
    start,
    signal: (name) => void child?.kill(name),
    end: (name = 'SIGKILL') => endChild(child, name),
    async health() {
      return (await (await fetch(`http://127.0.0.1:${port}/health`)).json()) as RunnerHealth;
    },
    healthFile: async () => JSON.parse(await readFile(join(options.home, 'health.json'), 'utf8')) as RunnerHealth,
  };
}
