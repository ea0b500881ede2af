/** The node's clock in nanoseconds. Tests step it back or hold it still; container logs and `sinceTime` go by it. */
export interface NodeClock {
  nowNs(): bigint;
  /** Milliseconds since the epoch, by the same clock. */
  nowMs(): number;
  /** Steps the clock by `ms` (negative = back). */
  step(ms: number): void;
  /** The next `count` readings all give the same time: equal timestamps. */
  holdFor(count: number): void;
}

export function createNodeClock(): NodeClock {
  const origin = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  let offset = 0n;
  let held: { value: bigint; left: number } | null = null;
  const nowNs = (): bigint => {
    if (held && held.left > 0) {
      held.left -= 1;
      return held.value;
    }
    return origin + process.hrtime.bigint() + offset;
  };
  return {
    nowNs,
    nowMs: () => Number((origin + process.hrtime.bigint() + offset) / 1_000_000n),
    step: (ms) => {
      offset += BigInt(ms) * 1_000_000n;
    },
    holdFor: (count) => {
      held = { value: nowNs(), left: count };
    },
  };
}

/** `2026-11-22T01:10:44.702607509Z`: nine digits and `Z`, always (test/golden/07b). */
export function logTimestamp(ns: bigint): string {
  const seconds = Number(ns / 1_000_000_000n);
  const fraction = (ns % 1_000_000_000n).toString().padStart(9, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}
