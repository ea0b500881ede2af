import type { FileHandle } from 'node:fs/promises';
import { type RunnerLogLine, runnerLogLineSchema } from '@runbeat/protocol';
import { chainBehind, cursorOfLine } from './spool-line.js';

/** Where a spool that an earlier process wrote ends. */
export interface SpoolEnd {
  /** Behind the last whole line; what follows was torn by a crash. */
  readonly end: number;
  readonly chain: string;
  /** The adapter's last cursor; null = none, read its output from the start. */
  readonly lastCursor: string | null;
}

const NEWLINE = 0x0a;
const BLOCK_BYTES = 1_048_576;

/** Reads a spool once, from start to end; `onLine` sees every whole line. */
export async function scanSpool(file: FileHandle, onLine: (line: RunnerLogLine) => void): Promise<SpoolEnd> {
  const block = Buffer.alloc(BLOCK_BYTES);
  let rest = Buffer.alloc(0);
  let position = 0;
  let end = 0;
  let chain = '';
  let lastCursor: string | null = null;
  for (;;) {
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, position);
    if (bytesRead === 0) return { end, chain, lastCursor };
    position += bytesRead;
    const data = Buffer.concat([rest, block.subarray(0, bytesRead)]);
    let from = 0;
    for (let at = data.indexOf(NEWLINE); at >= 0; at = data.indexOf(NEWLINE, from)) {
      const line = data.subarray(from, at + 1);
      const parsed = lineFrom(line);
      // A line that is no record was torn in the middle by a crash of the machine: nothing behind it can be trusted.
      if (parsed === null) return { end, chain, lastCursor };
      chain = chainBehind(chain, line);
      lastCursor = cursorOfLine(parsed) ?? lastCursor;
      onLine(parsed);
      end += line.length;
      from = at + 1;
    }
    rest = data.subarray(from);
  }
}

/** Null = the line is no record. */
function lineFrom(bytes: Buffer): RunnerLogLine | null {
  try {
    const parsed = runnerLogLineSchema.safeParse(JSON.parse(bytes.toString('utf8')));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
