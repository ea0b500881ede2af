import { splitText } from '@runbeat/adapter-sdk';
import type { JobState } from '../job-client.js';

/** What a task gets: a place to print, and a signal that asks it to stop. */
export interface TaskContext {
  readonly input: string | null;
  readonly signal: AbortSignal;
  print(stream: 'stdout' | 'stderr', text: string): void;
}

/** The code of a task. Its value is the exit code; a rejection counts as exit code 1. */
export type Task = (context: TaskContext) => Promise<number>;

interface JobRecord {
  readonly seq: number;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
  readonly at: string;
}

/** One job and its output, as the service keeps it. */
export interface Job {
  readonly runId: string;
  readonly state: JobState;
  /** Records after `seq`, at most about a megabyte, and whether these are all of a job that has ended. */
  page(afterSeq: number): { job: JobState; records: JobRecord[]; isComplete: boolean };
  ask(): void;
  kill(): void;
}

/** A record fits into one `onLog` of a host, with room to spare. */
const recordLimitBytes = 32_768;
const recordsPerPage = 32;

export function startJob(task: Task, { runId, input }: { readonly runId: string; readonly input: string | null }): Job {
  const records: JobRecord[] = [];
  const controller = new AbortController();
  let state: JobState = { state: 'running' };
  const settle = (next: JobState): void => {
    // The first end wins: a killed task may still return, much later.
    if (state.state === 'running') state = next;
  };
  const context: TaskContext = {
    input,
    signal: controller.signal,
    print(stream, text) {
      if (state.state !== 'running') return;
      for (const piece of splitText(text, recordLimitBytes)) {
        records.push({ seq: records.length + 1, stream, text: piece, at: new Date().toISOString() });
      }
    },
  };
  task(context).then(
    (exitCode) => {
      if (controller.signal.aborted) settle({ state: 'cancelled', forced: false });
      else if (exitCode === 0) settle({ state: 'succeeded' });
      else settle({ state: 'failed', exitCode, message: `The task ended with exit code ${exitCode}.` });
    },
    (error: unknown) => settle({ state: 'failed', exitCode: 1, message: String(error) }),
  );
  return {
    runId,
    get state() {
      return state;
    },
    page(afterSeq) {
      // A record's `seq` is its place in the list, counted from 1.
      const page = records.slice(afterSeq, afterSeq + recordsPerPage);
      return { job: state, records: page, isComplete: afterSeq + page.length >= records.length };
    },
    ask: () => controller.abort(),
    kill() {
      controller.abort();
      settle({ state: 'cancelled', forced: true });
    },
  };
}
