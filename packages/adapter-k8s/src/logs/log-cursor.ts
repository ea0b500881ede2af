import { z } from 'zod';
import type { LineTail } from './log-line-parser.js';

/** How many line hashes a cursor remembers: enough that a run of equal lines elsewhere is not taken for the place. */
export const cursorHashes = 12;

/** Where a plain log was read to, in terms that survive a rotation and a step of the node's clock. */
export interface PlainPosition {
  /** Hashes of the last lines, newest first; empty = no whole line was read yet. */
  readonly hashes: readonly string[];
  /** Whole lines since the line of `first`: exact as long as the file was not rotated. */
  readonly count: number;
  /** Hash of the first line of the file in which counting began; empty = none yet. */
  readonly first: string;
  /** Bytes of the line after the last whole one that were delivered. */
  readonly partial: number;
  /** Timestamp of that line, to tell it from the rest that a rotation leaves; empty when `partial` is 0. */
  readonly partialTime: string;
  /** Of the last whole line, when it is longer than one entry of the node's log. */
  readonly tail: LineTail | null;
}

export const startPosition: PlainPosition = { hashes: [], count: 0, first: '', partial: 0, partialTime: '', tail: null };

/** A container's log: another Pod or a restarted container has another log. */
export interface LogSource {
  readonly podUid: string;
  readonly containerId: string;
}

const plainCursor = z.object({
  v: z.literal(1),
  m: z.literal('p'),
  u: z.string(),
  c: z.string(),
  h: z.array(z.string()),
  n: z.int(),
  f: z.string(),
  p: z.int(),
  t: z.string(),
  l: z.int().optional(),
  e: z.string().optional(),
});
const framedCursor = z.object({ v: z.literal(1), m: z.literal('f'), u: z.string(), s: z.int() });

export function encodePlainCursor(source: LogSource, position: PlainPosition): string {
  const { hashes, count, first, partial, partialTime, tail } = position;
  return JSON.stringify({
    v: 1,
    m: 'p',
    u: source.podUid,
    c: shortId(source.containerId),
    h: hashes,
    n: count,
    f: first,
    p: partial,
    t: partialTime,
    ...(tail === null ? {} : { l: tail.bytes, e: tail.lastEntryHash }),
  });
}

/** Null = from the start: no cursor, an unreadable one, or one of another container. */
export function decodePlainCursor(cursor: string | null, source: LogSource): PlainPosition | null {
  const parsed = plainCursor.safeParse(parseJson(cursor));
  if (!parsed.success || parsed.data.u !== source.podUid || parsed.data.c !== shortId(source.containerId)) return null;
  const { h, n, f, p, t, l, e } = parsed.data;
  const tail = l === undefined || e === undefined ? null : { bytes: l, lastEntryHash: e };
  return { hashes: h, count: n, first: f, partial: p, partialTime: t, tail };
}

export function encodeFramedCursor(podUid: string, seq: number): string {
  return JSON.stringify({ v: 1, m: 'f', u: podUid, s: seq });
}

/** The last delivered frame; 0 = from the start. */
export function decodeFramedCursor(cursor: string | null, podUid: string): number {
  const parsed = framedCursor.safeParse(parseJson(cursor));
  return parsed.success && parsed.data.u === podUid ? parsed.data.s : 0;
}

/** The position behind one more whole line. */
export function positionAfterLine(position: PlainPosition, line: { hash: string; tail: LineTail | null }): PlainPosition {
  const { hash, tail } = line;
  return {
    hashes: [hash, ...position.hashes].slice(0, cursorHashes),
    count: position.count + 1,
    first: position.first || hash,
    partial: 0,
    partialTime: '',
    tail: tail !== null && tail.lastEntryHash !== '' ? tail : null,
  };
}

function shortId(containerId: string): string {
  return containerId.replace(/^\w+:\/\//, '').slice(0, 16);
}

function parseJson(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
