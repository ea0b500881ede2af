import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunHandleV1, RunResultV1 } from '@runbeat/adapter-sdk';
import { thisMachine } from '@runbeat/adapter-sdk/processes';
import { type RunnerJobSpec, runnerJobSpecSchema, runnerResultSchema } from '@runbeat/protocol';
import { z } from 'zod';
import { syncFolder, writeAtomically, writeDurably } from '../home/write-durably.js';

/** What a restarted runner must know of a job. Holds the run's resolved secrets: mode 0600, gone with the job. */
export interface StoredJob {
  readonly spec: RunnerJobSpec;
  readonly leaseEpoch: number;
  /** How many processes of this runner began it, counted before the adapter is called; infinite = nobody knows (another boot). */
  readonly starts: number;
  /** From the adapter's `onSpawn`; null = it has not announced its work. */
  readonly handle: RunHandleV1 | null;
}

/** The outbox: a result that the server has not accepted, and the log that belongs to it. */
export interface StoredFinish {
  readonly result: RunResultV1;
  readonly logBytes: number;
  readonly chain: string;
}

export interface FoundJob {
  readonly job: StoredJob;
  /** Null = the work is not over, or its end was not written down. */
  readonly finish: StoredFinish | null;
}

/**
 * `<home>/jobs/<run id>/`: `job.json`, `started`, `log` (the spool), `finish.json`. `<home>/lost/` holds those that were
 * given up. `started` says how many processes began the work, and in which boot of the machine: it waits for no disk, so
 * that what it says of another boot may be too little.
 */
export interface JobFiles {
  spoolPath(runId: string): string;
  /**
   * A job that has not started need not survive a crash of the machine (it is offered again then), nor need one whose
   * work is a process of this machine: those wait for no disk.
   */
  storeJob(job: StoredJob): Promise<void>;
  /** When it resolves, no later process, not even after a crash of the machine, believes that the work has not begun. */
  markStarted(runId: string, starts: number): Promise<void>;
  storeFinish(runId: string, finish: StoredFinish): Promise<void>;
  /** All jobs of this home; unreadable ones are moved to `lost/` and named in `broken`. */
  findAll(): Promise<{ readonly found: readonly FoundJob[]; readonly broken: readonly string[] }>;
  discard(runId: string): Promise<void>;
  keepLost(runId: string): Promise<void>;
  /** Brings a lost job back; null = there is none. */
  restoreLost(runId: string): Promise<FoundJob | null>;
}

const storedJobSchema = z.object({
  formatVersion: z.literal(1),
  spec: runnerJobSpecSchema,
  leaseEpoch: z.int(),
  handle: z.any(),
});
const storedFinishSchema = z.object({ result: runnerResultSchema, logBytes: z.int(), chain: z.string() });

export async function openJobFiles(home: string): Promise<JobFiles> {
  const jobs = join(home, 'jobs');
  const lost = join(home, 'lost');
  await mkdir(jobs, { recursive: true, mode: 0o700 });
  await mkdir(lost, { recursive: true, mode: 0o700 });

  const { bootId } = thisMachine();
  /** What is on its way to the disk since the claim; resolves with the failure, if there was one. */
  const settling = new Map<string, Promise<Error | null>>();

  async function read(runId: string): Promise<FoundJob> {
    const { spec, leaseEpoch, handle } = storedJobSchema.parse(await readJson(join(jobs, runId, 'job.json')));
    const starts = startsFromMark(await readFile(join(jobs, runId, 'started'), 'utf8').catch(() => ''), bootId);
    const rawFinish = await readJson(join(jobs, runId, 'finish.json'));
    return {
      job: { spec, leaseEpoch, starts, handle: (handle ?? null) as RunHandleV1 | null },
      finish: rawFinish === undefined ? null : (storedFinishSchema.parse(rawFinish) as StoredFinish),
    };
  }

  async function moveToLost(runId: string): Promise<void> {
    await rm(join(lost, runId), { recursive: true, force: true });
    await rename(join(jobs, runId), join(lost, runId));
    await Promise.all([syncFolder(jobs), syncFolder(lost)]);
  }

  return {
    spoolPath: (runId) => join(jobs, runId, 'log'),
    async storeJob({ starts, ...job }) {
      const { runId } = job.spec;
      const folder = join(jobs, runId);
      const text = JSON.stringify({ formatVersion: 1, ...job });
      if (starts > 0 && job.handle?.kind !== 'process') return writeDurably(join(folder, 'job.json'), text);
      if (starts === 0) {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(join(folder, 'started'), startMark(0, bootId), { mode: 0o600 });
      }
      await writeAtomically(join(folder, 'job.json'), text);
      // Brought to the disk while the lease is being renewed, so that the start waits for nothing.
      if (starts === 0) {
        const files = ['job.json', 'started'].map((name) => syncFile(join(folder, name)));
        settling.set(runId, quietly(Promise.all([...files, syncFolder(folder), syncFolder(jobs)])));
      }
    },
    async markStarted(runId, starts) {
      const failure = await settling.get(runId);
      settling.delete(runId);
      if (failure !== undefined && failure !== null) throw failure;
      const file = await open(join(jobs, runId, 'started'), 'r+');
      try {
        await file.write(startMark(starts, bootId), 0);
        // Elsewhere a boot has no name, so that only the mark itself can tell.
        if (process.platform !== 'linux') await file.datasync();
      } finally {
        await file.close();
      }
    },
    storeFinish: (runId, finish) => writeDurably(join(jobs, runId, 'finish.json'), JSON.stringify(finish)),
    async findAll() {
      const found: FoundJob[] = [];
      const broken: string[] = [];
      for (const runId of (await readdir(jobs)).sort()) {
        try {
          found.push(await read(runId));
        } catch {
          // A crash between `mkdir` and the first write leaves an empty folder; anything else is kept to be looked at.
          if ((await readdir(join(jobs, runId)).catch(() => [])).some((name) => !name.endsWith('.new'))) broken.push(runId);
          await moveToLost(runId);
        }
      }
      return { found, broken };
    },
    async discard(runId) {
      await settling.get(runId);
      settling.delete(runId);
      await rm(join(jobs, runId), { recursive: true, force: true });
    },
    keepLost: moveToLost,
    async restoreLost(runId) {
      try {
        await rename(join(lost, runId), join(jobs, runId));
        await Promise.all([syncFolder(jobs), syncFolder(lost)]);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
      return read(runId);
    },
  };
}

function startMark(starts: number, bootId: string): string {
  return `${starts} ${bootId}`;
}

/** Nobody knows after a crash of the machine, or when the mark is not readable: more than any number of tries. */
function startsFromMark(mark: string, bootId: string): number {
  const [starts = '', markedBoot] = mark.split(' ');
  return markedBoot === bootId && /^\d+$/.test(starts) ? Number(starts) : Number.POSITIVE_INFINITY;
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r');
  try {
    await file.datasync();
  } finally {
    await file.close();
  }
}

/** Nobody may be waiting when it fails. */
function quietly(work: Promise<unknown>): Promise<Error | null> {
  return work.then(
    () => null,
    (error: unknown) => error as Error,
  );
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
