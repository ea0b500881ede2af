import type { FileHandle } from 'node:fs/promises';
import { runnerLogLineSchema } from '@runbeat/protocol';
import { chainBehind } from './spool-line.js';

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

/** Reads a spool once, from start to end. */
export async function scanSpool(file: FileHandle): Promise<SpoolEnd> {
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
      const cursor = cursorOf(line);
      // A line that is no record was torn in the middle by a crash of the machine: nothing behind it can be trusted.
      if (cursor === undefined) return { end, chain, lastCursor };
      chain = chainBehind(chain, line);
      lastCursor = cursor ?? lastCursor;
      end += line.length;
      from = at + 1;
    }
    rest = data.subarray(from);
  }
}

/** Undefined = the line is no record; null = a record without a cursor. */
function cursorOf(line: Buffer): string | null | undefined {
  try {
    const parsed = runnerLogLineSchema.safeParse(JSON.parse(line.toString('utf8')));
    if (!parsed.success) return undefined;
    return parsed.data.k === 'log' ? (parsed.data.c ?? null) : null;
  } catch {
    return undefined;
  }
}
