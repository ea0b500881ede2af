import type { RunnerLogLine } from './runner-log.js';
import { type RunnerSessionOutput, runnerSessionOutputSchema } from './runner-session.js';

/**
 * What one line may carry of an output's JSON, in UTF-16 units: at three bytes each, and with every quote and backslash
 * escaped a second time, it stays below the limit of one upload.
 */
const PART_LENGTH = 200_000;
/** An output that is longer than this is nobody's answer; adapters cut lines at 16 MiB. */
const OUTPUT_LIMIT_LENGTH = 64 * 1_048_576;

/** The log lines of one output of a session's worker: one, or the pieces of a long one. Used by the runner. */
export function linesFromSaid(output: RunnerSessionOutput, cursor: string | null): RunnerLogLine[] {
  const behind = cursor === null ? {} : { c: cursor };
  const json = JSON.stringify(output);
  if (json.length <= PART_LENGTH) return [{ k: 'said', o: output, ...behind }];
  const parts: RunnerLogLine[] = [];
  for (let from = 0; from < json.length; from += PART_LENGTH) {
    parts.push({ k: 'said-part', t: json.slice(from, from + PART_LENGTH) });
  }
  return [...parts, { k: 'said-end', ...behind }];
}

/** Puts outputs together again; one per log, fed with all of its lines in order. Used by server and runner. */
export interface SaidReader {
  /** The output that is complete with this line; null = none is. Throws a `RangeError` or `SyntaxError` for nonsense. */
  take(line: RunnerLogLine): RunnerSessionOutput | null;
}

export function createSaidReader(): SaidReader {
  let parts: string[] = [];
  let length = 0;
  return {
    take(line) {
      switch (line.k) {
        case 'said':
          return line.o;
        case 'said-part':
          length += line.t.length;
          if (length > OUTPUT_LIMIT_LENGTH) throw new RangeError(`an output has more than ${OUTPUT_LIMIT_LENGTH} characters`);
          parts.push(line.t);
          return null;
        case 'said-end': {
          const json = parts.join('');
          parts = [];
          length = 0;
          return runnerSessionOutputSchema.parse(JSON.parse(json));
        }
        default:
          return null;
      }
    },
  };
}
