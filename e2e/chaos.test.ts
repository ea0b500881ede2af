import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findViolations } from './chaos/find-violations.js';
import { planChaos } from './chaos/plan-chaos.js';
import { runChaos } from './chaos/run-chaos.js';
import { endDatabase } from './harness/end-database.js';

/** `npm run chaos -- --runs 200 --seed N` sets these; in the suite a short version runs. */
const runs = Number(process.env['RUNBEAT_CHAOS_RUNS'] ?? 15);
const seed = Number(process.env['RUNBEAT_CHAOS_SEED'] ?? 1);
const servers = Number(process.env['RUNBEAT_CHAOS_SERVERS'] ?? 2);
const limitMs = Number(process.env['RUNBEAT_CHAOS_LIMIT_S'] ?? 120) * 1_000;

describe('while servers, children and database connections are killed', () => {
  it(
    `${runs} runs on ${servers} servers are each settled and executed once, with every byte and nothing left (seed ${seed})`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'runbeat-chaos-'));
      let isAllWell = false;
      onTestFinished(async () => {
        await endDatabase(join(folder, 'database'));
        if (isAllWell) await rm(folder, { recursive: true, force: true });
        else console.error(`chaos: seed ${seed}, ${runs} runs; everything is kept in ${folder}`);
      });
      const world = await runChaos(planChaos({ seed, runs, servers }), { folder, servers, limitMs });
      const { violations, ...summary } = await findViolations(world);
      console.info(`chaos: seed ${seed}; blows ${JSON.stringify(world.counts)}; ${JSON.stringify(summary)}`);
      await world.database.close();
      expect(violations).toEqual([]);
      expect(world.counts.server).toBeGreaterThan(0);
      isAllWell = true;
    },
    limitMs * 2 + 120_000,
  );
});
