/** Lines of the last half minute: a resume has to look back at least that far. */
export interface LineRate {
  count(): void;
  last30s(): number;
}

const bucketMs = 5000;
const bucketCount = 6;

export function createLineRate(now: () => number): LineRate {
  const buckets: { slot: number; lines: number }[] = [];
  const slotNow = (): number => Math.floor(now() / bucketMs);
  return {
    count() {
      const slot = slotNow();
      const last = buckets.at(-1);
      if (last?.slot === slot) {
        last.lines += 1;
        return;
      }
      buckets.push({ slot, lines: 1 });
      if (buckets.length > bucketCount + 1) buckets.shift();
    },
    last30s() {
      const oldest = slotNow() - bucketCount;
      return buckets.reduce((total, bucket) => (bucket.slot >= oldest ? total + bucket.lines : total), 0);
    },
  };
}
