import { createLineSplitter, type RunOutcomeV1, type RunResultV1 } from '@runbeat/adapter-sdk';
import type { OutputParser, OutputReport } from './process-spec.js';

/** Feeds a parser with text as it comes. */
export interface ReportReader {
  push(text: string): void;
  finish(succeeded: boolean): OutputReport;
}

export function createReportReader(parser: OutputParser): ReportReader {
  const splitter = createLineSplitter();
  return {
    push(text) {
      for (const line of splitter.push(text)) if (line.droppedCharacters === 0) parser.push(line.text);
    },
    finish(succeeded) {
      const last = splitter.flush();
      if (last !== null && last.droppedCharacters === 0) parser.push(last.text);
      return parser.finish({ succeeded });
    },
  };
}

/** A stopped run stays stopped; a failure in the report refines a failed run, and makes a succeeded one failed. */
export function withReport(outcome: RunOutcomeV1, report: OutputReport): RunResultV1 {
  const { failure, ...facts } = report;
  if (failure === undefined || outcome.status === 'cancelled' || outcome.status === 'timed_out') return { ...outcome, ...facts };
  // What ended the process from outside says more than what the command printed before.
  const isFromOutside = outcome.status === 'failed' && outcome.error.code !== 'exit_nonzero';
  if (isFromOutside) return { ...outcome, ...facts };
  const known = outcome.status === 'failed' ? outcome.error : {};
  return { status: 'failed', error: { ...known, ...failure }, ...facts };
}
