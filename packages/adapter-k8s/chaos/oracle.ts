import type { LogEnd } from '../src/logs/follow-log.js';

export interface Written {
  /** Latin-1: one character is one byte. */
  readonly text: string;
  /** Frame number; 0 in plain mode. */
  readonly seq: number;
}

export interface ChaosFacts {
  readonly written: readonly Written[];
  readonly delivered: readonly { readonly text: string; readonly stream: string }[];
  readonly mode: 'plain' | 'framed';
  readonly end: LogEnd;
  readonly rotates: boolean;
}

export type Verdict =
  | { readonly kind: 'exact' }
  /** Something is missing, and the log says so at each place. */
  | { readonly kind: 'marked'; readonly lostBytes: number; readonly markers: number }
  | { readonly kind: 'wrong'; readonly why: string };

/**
 * Compares what was written with what was delivered. Everything between two markers must be one stretch of the output, the
 * stretches in order and without overlap; output may be missing only where a marker stands.
 */
export function judge(facts: ChaosFacts): Verdict {
  const { written, delivered, mode, end } = facts;
  if (end.kind !== 'complete') return { kind: 'wrong', why: `the log ended incomplete: ${end.message}` };
  // Delivered text is UTF-8; the bytes written here are all ASCII.
  const whole = written.map((each) => each.text).join('');
  const stretches = [''];
  let markers = 0;
  const ranges: [number, number][] = [];
  for (const { stream, text } of delivered) {
    if (stream !== 'system') {
      stretches[stretches.length - 1] += text;
      continue;
    }
    markers += 1;
    stretches.push('');
    const range = /frames (\d+) to (\d+)/.exec(text);
    if (range) ranges.push([Number(range[1]), Number(range[2])]);
  }
  if (mode === 'framed') return judgeFrames(written, stretches, ranges, markers);
  let at = 0;
  let lostBytes = 0;
  for (const [index, stretch] of stretches.entries()) {
    const found = index === 0 ? (whole.startsWith(stretch) ? 0 : -1) : whole.indexOf(stretch, at);
    if (found < 0) return { kind: 'wrong', why: difference(whole, at, stretch, index) };
    lostBytes += found - at;
    at = found + stretch.length;
  }
  const rest = whole.length - at;
  if (markers === 0 && rest > 0)
    return { kind: 'wrong', why: `the last ${rest} bytes are missing: ${JSON.stringify(whole.slice(at, at + 80))}` };
  if (rest > 0) {
    // The last stretch may stand at several places of the output: the last one has to fit.
    const last = stretches.at(-1) ?? '';
    if (!whole.endsWith(last)) return { kind: 'wrong', why: `the end is missing: ${JSON.stringify(whole.slice(-80))}` };
    lostBytes += rest;
  }
  return markers === 0 ? { kind: 'exact' } : { kind: 'marked', lostBytes, markers };
}

/** With frames the oracle is exact: the markers name what is missing, and the rest must be there byte for byte. */
function judgeFrames(
  written: readonly Written[],
  stretches: readonly string[],
  ranges: [number, number][],
  markers: number,
): Verdict {
  if (ranges.length !== markers) return { kind: 'wrong', why: 'a marker does not name its frames' };
  const isLost = (seq: number): boolean => ranges.some(([from, to]) => seq >= from && seq <= to);
  const expected = [''];
  let nextRange = 0;
  let lostBytes = 0;
  for (const { seq, text } of written) {
    const range = ranges[nextRange];
    if (range && seq >= range[0]) {
      expected.push('');
      nextRange += 1;
    }
    if (isLost(seq)) lostBytes += text.length;
    else expected[expected.length - 1] += text;
  }
  while (expected.length < stretches.length) expected.push('');
  for (const [index, stretch] of stretches.entries()) {
    if (stretch !== expected[index]) return { kind: 'wrong', why: difference(expected[index] ?? '', 0, stretch, index) };
  }
  return markers === 0 ? { kind: 'exact' } : { kind: 'marked', lostBytes, markers };
}

function difference(whole: string, from: number, stretch: string, index: number): string {
  let common = 0;
  while (common < stretch.length && whole[from + common] === stretch[common]) common += 1;
  const show = (text: string): string => JSON.stringify(text.slice(Math.max(0, common - 40), common + 60));
  return `stretch ${index} differs at byte ${common} of ${stretch.length}: written ${show(whole.slice(from))}, delivered ${show(stretch)}`;
}
