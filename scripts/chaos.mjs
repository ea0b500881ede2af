// `npm run chaos -- --runs 200 --seed 7 [--servers 2] [--limit 300]`: many short runs while servers, children and database
// connections are killed by a schedule that follows from the seed; then checks that nothing was lost, doubled or left.
// The exit code says so; the seed is printed. `--limit`: seconds that the last runs may take to settle.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(randomInt(1, 1_000_000)) },
    servers: { type: 'string', default: '2' },
    limit: { type: 'string', default: '300' },
  },
});
const limits = { runs: 5_000, seed: 4_294_967_295, servers: 4, limit: 3_600 };
for (const [name, most] of Object.entries(limits)) {
  const value = Number(values[name]);
  if (!Number.isInteger(value) || value < 1 || value > most) {
    console.error(`--${name} takes a whole number from 1 to ${most}, not ${values[name]}`);
    process.exit(2);
  }
}
console.log(`chaos: ${values.runs} runs on ${values.servers} servers, seed ${values.seed}`);
const { status } = spawnSync('npx', ['--no-install', 'vitest', 'run', '--project', 'e2e', 'e2e/chaos.test.ts'], {
  cwd: new URL('..', import.meta.url),
  stdio: 'inherit',
  env: {
    ...process.env,
    RUNBEAT_CHAOS_RUNS: values.runs,
    RUNBEAT_CHAOS_SEED: values.seed,
    RUNBEAT_CHAOS_SERVERS: values.servers,
    RUNBEAT_CHAOS_LIMIT_S: values.limit,
  },
});
if (status !== 0) console.error(`chaos: failed; repeat with --runs ${values.runs} --seed ${values.seed}`);
process.exit(status ?? 1);
