/** Where a run's log ends on the runner's side: the cursor that the supervisor stores with each record. */
export interface RunnerLogCursor {
  /** Bytes of the runner's log that are stored. */
  readonly offset: number;
  /** Chain hash of those bytes; see `runner-log.ts` of the protocol. */
  readonly chain: string;
}

export const startOfLog: RunnerLogCursor = { offset: 0, chain: '' };

export function textFromLogCursor(cursor: RunnerLogCursor): string {
  return `${cursor.offset}:${cursor.chain}`;
}

/** Null (nothing stored) and what is not such a cursor mean the start. */
export function logCursorFromText(text: string | null): RunnerLogCursor {
  const match = /^(\d{1,15}):([A-Za-z0-9_-]{0,64})$/.exec(text ?? '');
  return match ? { offset: Number(match[1]), chain: match[2] ?? '' } : startOfLog;
}
