import { createReadStream, statSync } from 'node:fs';
import { createLineSplitter, createUtf8Decoder, type RunOutcomeV1, type RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunFolder } from '../capsule/run-folder.js';
import { readStopRecord, type StopRecord } from '../capsule/stop-record.js';
import { outcomeFromEnd, type RunEnd } from './outcome.js';
import { defaultSpoolLimitBytes, type OutputParser, type OutputReport, type ProcessSpec } from './process-spec.js';

/**
 * The result of a run that is over, from what its folder holds: the same for whoever asks, whenever.
 * @param stop why this host stopped it, should that not have reached the folder; absent = the folder decides.
 */
export async function resultFromFolder(
  folder: RunFolder,
  end: RunEnd,
  spec: ProcessSpec,
  stop: StopRecord | null = null,
): Promise<RunResultV1> {
  const outcome = outcomeFromEnd({
    end,
    stop: readStopRecord(folder) ?? stop,
    largestBytes: Math.max(statSync(folder.stdout).size, statSync(folder.stderr).size),
    spoolLimitBytes: spec.spoolLimitBytes ?? defaultSpoolLimitBytes,
    command: spec.command,
  });
  return await withOutput(outcome, folder.stdout, spec.createParser);
}

/** The outcome plus what the command's own output says about it. */
async function withOutput(
  outcome: RunOutcomeV1,
  stdoutPath: string,
  createParser: (() => OutputParser) | undefined,
): Promise<RunResultV1> {
  if (createParser === undefined || outcome.status === 'detached') return outcome;
  const parser = createParser();
  await feed(parser, stdoutPath);
  return withReport(outcome, parser.finish({ succeeded: outcome.status === 'succeeded' }));
}

/** Reads the whole file anew: a host that took the run over in the middle reports the same as one that saw it all. */
async function feed(parser: OutputParser, stdoutPath: string): Promise<void> {
  const decoder = createUtf8Decoder();
  const splitter = createLineSplitter();
  const take = (text: string): void => {
    for (const line of splitter.push(text)) if (line.droppedCharacters === 0) parser.push(line.text);
  };
  for await (const block of createReadStream(stdoutPath) as AsyncIterable<Buffer>) take(decoder.push(block));
  take(decoder.flush());
  const last = splitter.flush();
  if (last !== null && last.droppedCharacters === 0) parser.push(last.text);
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
