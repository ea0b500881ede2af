import { createHash } from 'node:crypto';
import { type RunnerLogLine, runnerLogLineSchema } from '@runbeat/protocol';
import { ServerError } from '../server-error.js';
import type { JobSinks } from './job-sinks.js';
import type { RunnerLogCursor } from './log-cursor.js';
import { type FinishPlan, planFinish } from './plan-finish.js';
import { type LogRange, planLogRange } from './plan-log-range.js';

/** Takes one job's log from its runner into the job's sinks: in order, nothing twice, whoever uploads at once. */
export interface LogIntake {
  /** End of what was handed on. */
  position(): RunnerLogCursor;
  /** Hands on what is new in the range; `rewind` = the range leaves a gap. Rejects with `run_not_attached` after `close`. */
  receive(range: LogRange, body: Buffer): Promise<{ readonly kind: 'stored' | 'rewind'; readonly next: number }>;
  /** Judges a finish behind all uploads that came before it. */
  finish(logBytes: number, chain: string): Promise<FinishPlan>;
  /** No sink is called after the call in progress. */
  close(): void;
}

const NEWLINE = 0x0a;

export function createLogIntake(sinks: Pick<JobSinks, 'onLine'>, start: RunnerLogCursor): LogIntake {
  let { offset, chain } = start;
  let isClosed = false;
  /** Uploads and finishes one after the other. */
  let tail: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  }

  async function append(body: Buffer): Promise<void> {
    let from = 0;
    while (from < body.length) {
      const end = body.indexOf(NEWLINE, from) + 1;
      if (end === 0) throw invalid('a range must end behind a line');
      assertOpen();
      const bytes = body.subarray(from, end);
      const line = lineFromBytes(bytes);
      const next = {
        offset: offset + bytes.length,
        chain: createHash('sha256').update(chain).update(bytes).digest('base64url'),
      };
      await sinks.onLine(line, next);
      // Advanced only now: a sink that rejected has not taken the line, and the runner sends it again.
      ({ offset, chain } = next);
      from = end;
    }
  }

  function assertOpen(): void {
    if (isClosed) {
      throw new ServerError('run_not_attached', 'The run is not executed by this server at the moment. Try again in a second.');
    }
  }

  return {
    position: () => ({ offset, chain }),
    receive: (range, body) =>
      inTurn(async () => {
        assertOpen();
        const plan = planLogRange(range, offset);
        if (plan.kind === 'rewind') return { kind: 'rewind', next: offset };
        if (plan.kind === 'append') {
          if (plan.skipBytes > 0 && body[plan.skipBytes - 1] !== NEWLINE) throw invalid('a range must begin at a line');
          await append(body.subarray(plan.skipBytes));
        }
        return { kind: 'stored', next: offset };
      }),
    finish: (logBytes, finishChain) =>
      inTurn(async () => planFinish({ logBytes, chain: finishChain, storedEnd: offset, storedChain: chain })),
    close() {
      isClosed = true;
    },
  };
}

function lineFromBytes(bytes: Buffer): RunnerLogLine {
  let raw: unknown;
  try {
    raw = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw invalid('a line is not JSON');
  }
  const parsed = runnerLogLineSchema.safeParse(raw);
  if (!parsed.success) throw invalid(`a line is not a record: ${parsed.error.issues[0]?.message ?? 'wrong shape'}`);
  return parsed.data;
}

function invalid(reason: string): ServerError {
  return new ServerError('runner_log_invalid', `The uploaded log was refused: ${reason}. Use a runner of this server's release.`);
}
