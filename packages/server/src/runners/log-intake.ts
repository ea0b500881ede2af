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
  /**
   * Takes what is new in the range; `rewind` = the range leaves a gap. A large range is answered when it is in memory, so
   * that the next one travels while it is handed on; a small one, when it was handed on. Rejects with `run_not_attached`
   * after `close`, and with the failure of an earlier range that had been answered.
   */
  receive(range: LogRange, body: Buffer): Promise<{ readonly kind: 'stored' | 'rewind'; readonly next: number }>;
  /** Judges a finish behind all uploads that came before it. */
  finish(logBytes: number, chain: string): Promise<FinishPlan>;
  /** Once after a range failed that had been answered: where its runner must go back to. Null = nowhere. */
  takeSetback(): number | null;
  /** No sink is called after the call in progress. */
  close(): void;
}

const NEWLINE = 0x0a;
/** A range of this size is one of many, so that its failure is told with the next. */
const ANSWER_AT_ONCE_BYTES = 262_144;
/** Answered and not handed on. */
const AHEAD_LIMIT_BYTES = 2_097_152;

export function createLogIntake(sinks: Pick<JobSinks, 'onLine'>, start: RunnerLogCursor): LogIntake {
  let { offset, chain } = start;
  /** End of what was taken; falls back to `offset` when handing on fails. */
  let takenEnd = offset;
  /** Of a range that had been answered; the next call tells it. */
  let failure: { readonly error: unknown } | null = null;
  let hasSetback = false;
  let isClosed = false;
  /** Uploads and finishes one after the other. */
  let tail: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = tail.then(work);
    tail = turn.catch(() => undefined);
    return turn;
  }

  async function append(from: number, body: Buffer): Promise<void> {
    // What came before it failed: the runner is told to go back.
    if (from !== offset) return;
    let at = 0;
    while (at < body.length) {
      const end = body.indexOf(NEWLINE, at) + 1;
      assertOpen();
      const bytes = body.subarray(at, end);
      const line = lineFromBytes(bytes);
      const next = {
        offset: offset + bytes.length,
        chain: createHash('sha256').update(chain).update(bytes).digest('base64url'),
      };
      await sinks.onLine(line, next);
      // Advanced only now: a sink that rejected has not taken the line, and the runner sends it again.
      ({ offset, chain } = next);
      at = end;
    }
  }

  function assertOpen(): void {
    if (isClosed) {
      throw new ServerError('run_not_attached', 'The run is not executed by this server at the moment. Try again in a second.');
    }
  }

  /** Hands a taken range on in its turn. */
  function handOn(from: number, body: Buffer): Promise<void> {
    return inTurn(() => append(from, body)).catch((error: unknown) => {
      takenEnd = offset;
      throw error;
    });
  }

  async function roomAhead(): Promise<void> {
    while (takenEnd - offset > AHEAD_LIMIT_BYTES) await tail;
  }

  return {
    position: () => ({ offset, chain }),
    async receive(range, body) {
      assertOpen();
      if (failure !== null) {
        const { error } = failure;
        failure = null;
        throw error;
      }
      const plan = planLogRange(range, takenEnd);
      if (plan.kind === 'rewind') return { kind: 'rewind', next: takenEnd };
      if (plan.kind === 'known') {
        await tail;
        return { kind: 'stored', next: takenEnd };
      }
      if (plan.skipBytes > 0 && body[plan.skipBytes - 1] !== NEWLINE) throw invalid('a range must begin at a line');
      if (body.at(-1) !== NEWLINE) throw invalid('a range must end behind a line');
      const from = takenEnd;
      const news = body.subarray(plan.skipBytes);
      takenEnd += news.length;
      const handingOn = handOn(from, news);
      if (news.length < ANSWER_AT_ONCE_BYTES) await handingOn;
      else {
        handingOn.catch((error: unknown) => {
          failure = { error };
          hasSetback = true;
        });
        await roomAhead();
      }
      return { kind: 'stored', next: takenEnd };
    },
    finish: (logBytes, finishChain) =>
      inTurn(async () => planFinish({ logBytes, chain: finishChain, storedEnd: offset, storedChain: chain })),
    takeSetback() {
      if (!hasSetback) return null;
      hasSetback = false;
      return offset;
    },
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
