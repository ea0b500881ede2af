import type { RunEventV1, RunSinksV1 } from '@runbeat/adapter-sdk';
import type { RunnerLogLine } from '@runbeat/protocol';
import { ServerError } from '../server-error.js';
import { type RunnerLogCursor, textFromLogCursor } from './log-cursor.js';

/** Where what a runner tells of a job goes: a run's log and timeline, or a session. */
export interface JobSinks {
  /** One line of the log, in order; `behind` is the place behind it. Rejecting means that it was not taken. */
  onLine(line: RunnerLogLine, behind: RunnerLogCursor): Promise<void>;
  onEvent(event: RunEventV1): Promise<void>;
  onAlive(): Promise<void>;
}

/** The sinks of a run. */
export function runJobSinks(sinks: RunSinksV1): JobSinks {
  return {
    async onLine(line, behind) {
      if (line.k === 'log') await sinks.onLog(line.s, line.t, { cursor: textFromLogCursor(behind), at: line.at });
      else if (line.k === 'event') await sinks.onEvent(eventFromLine(line));
      else throw new ServerError('runner_log_invalid', `A line "${line.k}" belongs to a session, and this job is a run.`);
    },
    onEvent: (event) => sinks.onEvent(event),
    onAlive: () => sinks.onAlive(),
  };
}

export function eventFromLine(line: Extract<RunnerLogLine, { k: 'event' }>): RunEventV1 {
  const { type, level, message, data } = line;
  return { type, level, message, ...(data === undefined ? {} : { data }) };
}
