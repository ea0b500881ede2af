import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ChaosBench, createChaosBench } from '../chaos/log-chaos.js';

// The short version of `npm run chaos:k8s-logs -- --runs 1000`. A failing seed replays alone:
// npm run chaos:k8s-logs -- --runs 1 --seed N --mode plain|framed
const seeds = Array.from({ length: 8 }, (_, index) => index + 1);

let bench: ChaosBench;
beforeAll(async () => {
  bench = await createChaosBench();
});
afterAll(() => bench.close());

describe.each(['plain', 'framed'] as const)('the log path under seeded faults, %s', (mode) => {
  test('loses nothing in silence and doubles nothing', async () => {
    for (const seed of seeds) {
      const { verdict } = await bench.run(seed, mode);
      expect(verdict, `seed ${seed}: npm run chaos:k8s-logs -- --runs 1 --seed ${seed} --mode ${mode}`).not.toHaveProperty('why');
    }
  });
});
