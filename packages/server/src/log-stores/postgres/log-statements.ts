import { type Executor, runStatement } from '../../db/executor.js';
import { uuidParameter } from '../../db/parameters.js';
import type { LogPosition, LogRunKey } from '../../supervisor/ports/index.js';
import type { EncodedRecords } from '../log-entry.js';
import type { LogStart } from '../reading/log-source.js';

export interface LogHead extends LogPosition {
  readonly ownerEpoch: number;
}

export interface LogChunk {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly startOffset: number;
  readonly bytes: Buffer;
}

const headColumns = 'owner_epoch, last_seq, end_offset, last_cursor';
const claimStatement = {
  name: 'run_log_claim',
  text: `INSERT INTO run_logs (run_id, company_id, owner_epoch, last_seq, end_offset, last_cursor, updated_at)
    VALUES ($1, $2, $3, 0, 0, NULL, now())
    ON CONFLICT (run_id) DO UPDATE SET owner_epoch = excluded.owner_epoch WHERE run_logs.owner_epoch <= excluded.owner_epoch
    RETURNING ${headColumns}`,
};
const headStatement = { name: 'run_log_head', text: `SELECT ${headColumns} FROM run_logs WHERE run_id = $1` };
// Head and chunk in one statement: both or neither, in one round trip.
const appendStatement = {
  name: 'run_log_append',
  text: `WITH head AS (
      UPDATE run_logs SET last_seq = $5, end_offset = $6, last_cursor = $7, updated_at = now()
      WHERE run_id = $1 AND owner_epoch = $2 AND last_seq = $3 AND end_offset = $4 RETURNING run_id)
    INSERT INTO run_log_chunks (run_id, first_seq, last_seq, start_offset, end_offset, text, index)
    SELECT run_id, $3::bigint + 1, $5, $4, $6, $8, $9 FROM head`,
};
const chunkColumns = 'first_seq, last_seq, start_offset';
const indexByOffsetStatement = {
  name: 'run_log_index_by_offset',
  text: `SELECT ${chunkColumns}, index FROM run_log_chunks
    WHERE run_id = $1 AND end_offset > $2 AND first_seq <= $3 ORDER BY end_offset, first_seq LIMIT $4`,
};
const indexBySeqStatement = {
  name: 'run_log_index_by_seq',
  text: `SELECT ${chunkColumns}, index FROM run_log_chunks
    WHERE run_id = $1 AND last_seq > $2 AND first_seq > $3 AND first_seq <= $4 ORDER BY first_seq LIMIT $5`,
};
const indexBackwardStatement = {
  name: 'run_log_index_backward',
  text: `SELECT ${chunkColumns}, index FROM run_log_chunks WHERE run_id = $1 AND first_seq <= $2 ORDER BY first_seq DESC LIMIT $3`,
};
// Chunks lie without a gap, so the last one that overlaps is the first one that ends at or behind `to`: without this bound
// the index would be followed to the end of the log.
const textStatement = {
  name: 'run_log_text',
  text: `SELECT ${chunkColumns}, text FROM run_log_chunks
    WHERE run_id = $1 AND end_offset > $2 AND end_offset > start_offset
      AND end_offset <= (SELECT min(end_offset) FROM run_log_chunks WHERE run_id = $1 AND end_offset >= $3)
    ORDER BY end_offset`,
};
const removeStatements = [
  { name: 'run_log_remove_chunks', text: 'DELETE FROM run_log_chunks WHERE run_id = $1' },
  { name: 'run_log_remove_head', text: 'DELETE FROM run_logs WHERE run_id = $1' },
];

/** Null when a newer owner has the log. */
export async function claimLog(executor: Executor, run: LogRunKey, ownerEpoch: number): Promise<LogHead | null> {
  const values = [uuidParameter(run.runId), uuidParameter(run.companyId), ownerEpoch];
  return headFrom((await runStatement(executor, claimStatement, values)).rows);
}

/** Null when the run has no log. */
export async function readLogHead(executor: Executor, run: LogRunKey): Promise<LogHead | null> {
  return headFrom((await runStatement(executor, headStatement, [uuidParameter(run.runId)])).rows);
}

/** False when the head has moved on or belongs to somebody else. */
export async function appendChunk(
  executor: Executor,
  run: LogRunKey,
  head: LogHead,
  encoded: EncodedRecords,
  next: LogPosition,
): Promise<boolean> {
  const { rowCount } = await runStatement(executor, appendStatement, [
    uuidParameter(run.runId),
    head.ownerEpoch,
    head.lastSeq,
    head.endOffset,
    next.lastSeq,
    next.endOffset,
    next.lastCursor === null ? null : Buffer.from(next.lastCursor),
    encoded.text,
    encoded.index,
  ]);
  return rowCount === 1;
}

/** The first chunks that hold entries at or behind the start, of those up to `lastSeq`. */
export async function readFirstIndexChunks(
  executor: Executor,
  run: LogRunKey,
  start: LogStart,
  lastSeq: number,
  limit: number,
): Promise<readonly LogChunk[]> {
  const isByOffset = 'offset' in start && start.offset > 0;
  if (isByOffset) {
    return chunksFrom(
      (await runStatement(executor, indexByOffsetStatement, [uuidParameter(run.runId), start.offset, lastSeq, limit])).rows,
    );
  }
  return readIndexChunksAfter(executor, run, 'afterSeq' in start ? start.afterSeq : 0, 0, lastSeq, limit);
}

export async function readIndexChunksAfter(
  executor: Executor,
  run: LogRunKey,
  afterSeq: number,
  afterFirstSeq: number,
  lastSeq: number,
  limit: number,
): Promise<readonly LogChunk[]> {
  const values = [uuidParameter(run.runId), afterSeq, afterFirstSeq, lastSeq, limit];
  return chunksFrom((await runStatement(executor, indexBySeqStatement, values)).rows);
}

/** Last chunk first. */
export async function readIndexChunksBackward(
  executor: Executor,
  run: LogRunKey,
  lastSeq: number,
  limit: number,
): Promise<readonly LogChunk[]> {
  return chunksFrom((await runStatement(executor, indexBackwardStatement, [uuidParameter(run.runId), lastSeq, limit])).rows);
}

export async function readTextChunks(executor: Executor, run: LogRunKey, from: number, to: number): Promise<readonly LogChunk[]> {
  return chunksFrom((await runStatement(executor, textStatement, [uuidParameter(run.runId), from, to])).rows);
}

export async function removeLog(executor: Executor, run: LogRunKey): Promise<void> {
  for (const statement of removeStatements) await runStatement(executor, statement, [uuidParameter(run.runId)]);
}

type Rows = readonly (readonly unknown[])[];

function headFrom(rows: Rows): LogHead | null {
  const row = rows[0];
  if (row === undefined) return null;
  const [ownerEpoch, lastSeq, endOffset, lastCursor] = row;
  return {
    ownerEpoch: Number(ownerEpoch),
    lastSeq: Number(lastSeq),
    endOffset: Number(endOffset),
    lastCursor: lastCursor === null ? null : (lastCursor as Buffer).toString('utf8'),
  };
}

function chunksFrom(rows: Rows): LogChunk[] {
  return rows.map(([firstSeq, lastSeq, startOffset, bytes]) => ({
    firstSeq: Number(firstSeq),
    lastSeq: Number(lastSeq),
    startOffset: Number(startOffset),
    bytes: bytes as Buffer,
  }));
}
