import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AdapterV1, RunInputV1, RunResultV1 } from '@runbeat/adapter-sdk';
import { rowFromStat } from '@runbeat/adapter-sdk/processes';
import { createRecordingContext, type RecordingContext } from '@runbeat/adapter-testkit';
import { afterEach, beforeEach, expect } from 'vitest';
import { createLocalAdapter, createLocalAttachedAdapter, localAttachedConfig, localConfig } from '../src/index.js';

export function fixture(name: string): string {
  return fileURLToPath(new URL(`./fixtures/${name}.mjs`, import.meta.url));
}

/** Config that runs a fixture program. */
export function fixtureConfig(name: string, ...args: (string | number)[]): { command: string; args: string[] } {
  return { command: process.execPath, args: [fixture(name), ...args.map(String)] };
}

export interface StartedRun {
  readonly recording: RecordingContext;
  readonly result: Promise<RunResultV1>;
}

export interface Bench {
  /** Empty at the start of each test, removed after it. */
  readonly folder: string;
  readonly runsDirectory: string;
  readonly local: AdapterV1;
  readonly attached: AdapterV1;
  start(type: 'local' | 'local-attached', rawConfig: object, options?: StartOptions): StartedRun;
}

export type StartOptions = Omit<Parameters<typeof createRecordingContext>[0], 'config' | 'input'> & {
  input?: Partial<RunInputV1>;
};

/** A folder and two adapters per test; whatever a failed test left running is ended with it. */
export function useBench(): Bench {
  let folder = '';
  let runs: StartedRun[] = [];
  let local: AdapterV1;
  const attached = createLocalAttachedAdapter();
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'runbeat-local-'));
    runs = [];
    local = createLocalAdapter({ runsDirectory: join(folder, 'runs') });
  });
  afterEach(async () => {
    for (const { recording, result } of runs) {
      recording.abort({ kind: 'cancelled' });
      await result.catch(() => {});
    }
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return folder;
    },
    get runsDirectory() {
      return join(folder, 'runs');
    },
    get local() {
      return local;
    },
    attached,
    start(type, rawConfig, options = {}) {
      const config: unknown = type === 'local' ? localConfig.parse(rawConfig) : localAttachedConfig.parse(rawConfig);
      const recording = createRecordingContext({ config, ...options });
      const result = recording.execute(type === 'local' ? local : attached);
      // The test awaits it when it wants to; a failure in between is not unhandled.
      result.catch(() => {});
      const run = { recording, result };
      runs.push(run);
      return run;
    },
  };
}

/** Whether a process lives; zombies do not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || rowFromStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.isZombie === false;
  } catch {
    return false;
  }
}

/** Waits for what no event announces. */
export async function eventually(what: string, isMet: () => boolean, limitMs = 20_000): Promise<void> {
  await expect.poll(isMet, { timeout: limitMs, interval: 10, message: what }).toBe(true);
}
