import type { Json, LogMarkV1, RunEventV1, SessionOutputV1, SessionWriteV1 } from '@runbeat/adapter-sdk';
import {
  createSaidReader,
  type RunnerSessionAction,
  type RunnerSessionCommand,
  type RunnerSessionOutput,
  type RunnerSessionProgress,
} from '@runbeat/protocol';
import { ServerError } from '../server-error.js';
import { eventFromLine, type JobSinks } from './job-sinks.js';
import { textFromLogCursor } from './log-cursor.js';

/** Of a `SessionContextV1`, what takes what the worker says. */
export interface SessionSinks {
  onOutput(output: SessionOutputV1, mark?: LogMarkV1): Promise<void>;
  onEvent(event: RunEventV1): Promise<void>;
}

/** The server's side of one worker of a session on a runner: what it is told, and what it says. */
export interface SessionDesk {
  /** What the runner has not begun, in order, as much as one answer may carry. */
  commands(): readonly RunnerSessionCommand[];
  /** Resolves when the runner tells what came of the write. Not before: a link that is down breaks no conversation. */
  say(action: RunnerSessionAction): Promise<SessionWriteV1>;
  /** The runner's report of the job. */
  onReport(progress: RunnerSessionProgress): void;
  readonly sinks: JobSinks;
  readonly resumeState: () => Json;
  /** Resolves when the worker is up. */
  readonly opened: Promise<void>;
  /** The worker is gone: what was not written never will be. */
  close(): void;
}

interface Saying {
  /** Null = the runner's own count is not known yet. */
  seq: number | null;
  readonly action: RunnerSessionAction;
  readonly size: number;
  readonly resolve: (write: SessionWriteV1) => void;
}

/** Commands of one poll: well below what a runner takes for an answer. */
const COMMANDS_LIMIT_LENGTH = 4 * 1_048_576;

export function createSessionDesk(options: {
  readonly sinks: SessionSinks;
  readonly resumeState: Json;
  /**
   * Prompts that an earlier server process wanted written, when the worker is taken over; null = a new worker. Those that
   * never reached the runner are settled as failed with its first report.
   */
  readonly promptsInFlight: readonly string[] | null;
  /** There is something to tell. */
  onCommand(): void;
  /** Work that nobody waits for. */
  track(what: string, work: Promise<unknown>): void;
}): SessionDesk {
  const said = createSaidReader();
  let sayings: Saying[] = [];
  /** The last number that was given; null = not known until the runner reports. */
  let lastSeq: number | null = options.promptsInFlight === null ? 0 : null;
  let begunSeq = 0;
  let resumeState = options.resumeState;
  let isClosed = false;
  let tellOpened: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    tellOpened = resolve;
  });

  function number(): void {
    for (const saying of sayings) {
      if (saying.seq !== null || lastSeq === null) continue;
      lastSeq += 1;
      saying.seq = lastSeq;
    }
  }

  /** A prompt that the runner never began was lost with the server process that had it; nobody else has its text. */
  function failUndelivered(progress: RunnerSessionProgress): void {
    for (const promptId of options.promptsInFlight ?? []) {
      if (promptId === progress.promptId) continue;
      const message = 'The server ended before the message had reached its runner. Send it again under another id.';
      options.track(
        'settle a message that never reached its runner',
        options.sinks.onOutput({ kind: 'failed', promptId, code: 'prompt_undelivered', message }),
      );
    }
  }

  return {
    commands() {
      const commands: RunnerSessionCommand[] = [];
      let length = 0;
      for (const { seq, action, size } of sayings) {
        if (seq === null || seq <= begunSeq) continue;
        length += size;
        if (commands.length > 0 && length > COMMANDS_LIMIT_LENGTH) break;
        commands.push({ seq, action });
      }
      return commands;
    },
    say(action) {
      if (isClosed) return Promise.resolve({ written: false, reason: 'stdin_broken', message: 'the worker has ended' });
      return new Promise((resolve) => {
        sayings.push({ seq: null, action, size: JSON.stringify(action).length, resolve });
        number();
        options.onCommand();
      });
    },
    onReport(progress) {
      if (lastSeq === null) {
        lastSeq = progress.commandSeq;
        begunSeq = progress.commandSeq;
        failUndelivered(progress);
        number();
        if (sayings.length > 0) options.onCommand();
      } else begunSeq = Math.max(begunSeq, progress.commandSeq);
    },
    sinks: {
      async onLine(line, behind) {
        switch (line.k) {
          case 'log':
            throw new ServerError('runner_log_invalid', 'A line "log" belongs to a run, and this job is a session.');
          case 'event':
            return options.sinks.onEvent(eventFromLine(line));
          case 'opened':
          case 'resume':
            resumeState = line.v as Json;
            if (line.k === 'opened') tellOpened();
            return;
          case 'begun':
            begunSeq = Math.max(begunSeq, line.q);
            return;
          case 'wrote': {
            const done = sayings.find((saying) => saying.seq === line.q);
            sayings = sayings.filter((saying) => saying !== done);
            done?.resolve(
              line.e === undefined ? { written: true } : { written: false, reason: line.e, message: line.m ?? line.e },
            );
            return;
          }
          default: {
            const output = outputFrom(() => said.take(line));
            if (output !== null) await options.sinks.onOutput(output, { cursor: textFromLogCursor(behind) });
          }
        }
      },
      onEvent: options.sinks.onEvent,
      onAlive: async () => undefined,
    },
    resumeState: () => resumeState,
    opened,
    close() {
      isClosed = true;
      for (const { resolve } of sayings) {
        resolve({ written: false, reason: 'stdin_broken', message: 'the worker ended before the message was written' });
      }
      sayings = [];
    },
  };
}

function outputFrom(read: () => RunnerSessionOutput | null): SessionOutputV1 | null {
  try {
    return read() as SessionOutputV1 | null;
  } catch (error) {
    throw new ServerError('runner_log_invalid', `What a session's worker said cannot be read: ${String(error)}.`);
  }
}
