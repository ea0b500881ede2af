import { createReadStream, existsSync, statSync } from 'node:fs';
import { createUtf8Decoder, type RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunFolder } from '../capsule/run-folder.js';
import { readStopRecord, type StopRecord } from '../capsule/stop-record.js';
import { outcomeFromEnd, type RunEnd } from './outcome.js';
import { createReportReader, withReport } from './output-report.js';
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
    largestBytes: Math.max(sizeOf(folder.stdout), sizeOf(folder.stderr)),
    spoolLimitBytes: spec.spoolLimitBytes ?? defaultSpoolLimitBytes,
    command: spec.command,
  });
  // Somebody may have removed the folder under a living run.
  if (spec.createParser === undefined || !existsSync(folder.stdout)) return outcome;
  return withReport(outcome, await reportFromFile(folder.stdout, spec.createParser(), outcome.status === 'succeeded'));
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/** Reads the whole file anew: a host that took the run over in the middle reports the same as one that saw it all. */
async function reportFromFile(stdoutPath: string, parser: OutputParser, succeeded: boolean): Promise<OutputReport> {
  const decoder = createUtf8Decoder();
  const reader = createReportReader(parser);
  for await (const block of createReadStream(stdoutPath) as AsyncIterable<Buffer>) reader.push(decoder.push(block));
  reader.push(decoder.flush());
  return reader.finish(succeeded);
}
