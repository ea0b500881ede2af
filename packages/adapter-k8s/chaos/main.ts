import { parseArgs } from 'node:util';
import { type ChaosBench, type ChaosRun, createChaosBench } from './log-chaos.js';

// npm run chaos:k8s-logs -- --runs 1000 --seed 1 [--mode plain|framed]
const { values } = parseArgs({
  options: { runs: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' }, mode: { type: 'string' } },
});
const runs = Number(values.runs);
const firstSeed = Number(values.seed);
const modes: readonly ('plain' | 'framed')[] =
  values.mode === 'plain' || values.mode === 'framed' ? [values.mode] : ['plain', 'framed'];
if (!Number.isInteger(runs) || runs < 1 || !Number.isInteger(firstSeed)) {
  console.error('--runs and --seed must be whole numbers, --runs at least 1.');
  process.exit(64);
}

/** A run takes about a second; one that takes this long will not end. */
const hangMs = 60_000;

function reportHang(mode: string, seed: number): void {
  console.error(`FAILED ${mode} seed ${seed}: it did not end within ${hangMs / 1000} s`);
  console.error(`  replay: npm run chaos:k8s-logs -- --runs 1 --seed ${seed} --mode ${mode}`);
  process.exit(1);
}

/** Runs at once, each lane on a simulator of its own: a run mostly waits. */
const lanes = Math.min(6, runs);
const benches = await Promise.all(Array.from({ length: lanes }, createChaosBench));
const startedAt = Date.now();
let failures = 0;
for (const mode of modes) {
  const done: ChaosRun[] = [];
  let nextSeed = firstSeed;
  const work = async (bench: ChaosBench): Promise<void> => {
    while (nextSeed < firstSeed + runs) {
      const seed = nextSeed;
      nextSeed += 1;
      const hang = setTimeout(() => reportHang(mode, seed), hangMs);
      const run = await bench.run(seed, mode);
      clearTimeout(hang);
      done.push(run);
      if (run.verdict.kind !== 'wrong') continue;
      failures += 1;
      console.error(`FAILED ${mode} seed ${seed}: ${run.verdict.why}`);
      console.error(`  replay: npm run chaos:k8s-logs -- --runs 1 --seed ${seed} --mode ${mode}`);
    }
  };
  await Promise.all(benches.map(work));
  const count = (kind: string): number => done.filter((run) => run.verdict.kind === kind).length;
  const attaches = done.reduce((sum, run) => sum + run.attaches, 0);
  console.log(
    `${mode}: ${runs} runs, ${attaches} attaches: ${count('exact')} exact, ${count('marked')} marked, ${count('wrong')} wrong`,
  );
}
console.log(`${((Date.now() - startedAt) / 1000).toFixed(0)} s`);
await Promise.all(benches.map((bench) => bench.close()));
process.exit(failures === 0 ? 0 : 1);
