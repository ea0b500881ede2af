/** A `Content-Range: bytes <from>-<last>/*` of a log upload; `to` is exclusive. */
export interface LogRange {
  readonly from: number;
  readonly to: number;
}

export type LogRangePlan =
  /** Take the body from `skipBytes` on: what lies before is stored already. */
  | { readonly kind: 'append'; readonly skipBytes: number }
  | { readonly kind: 'known' }
  /** There is a gap before it: the runner must go back to the end of the stored log. */
  | { readonly kind: 'rewind' };

/** How an uploaded range meets the end of the stored log. A repeated upload stores nothing twice. */
export function planLogRange(range: LogRange, storedEnd: number): LogRangePlan {
  if (range.from > storedEnd) return { kind: 'rewind' };
  if (range.to <= storedEnd) return { kind: 'known' };
  return { kind: 'append', skipBytes: storedEnd - range.from };
}

/** Null when the header is not a range of this form, or not one of `bodyLength` bytes. */
export function logRangeFromHeader(rawHeader: string | undefined, bodyLength: number): LogRange | null {
  const match = /^bytes (\d{1,15})-(\d{1,15})\/\*$/.exec(rawHeader ?? '');
  if (!match) return null;
  const from = Number(match[1]);
  const to = Number(match[2]) + 1;
  return to - from === bodyLength && bodyLength > 0 ? { from, to } : null;
}
