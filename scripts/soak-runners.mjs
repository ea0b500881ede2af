// `npm run soak:runners -- --runs 500`: many runs over four runners while server and runners are killed at random.
import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';

const { values } = parseArgs({ options: { runs: { type: 'string', default: '500' } } });
if (!(Number(values.runs) > 0)) {
  console.error(`--runs takes a number above 0, not ${values.runs}`);
  process.exit(2);
}
const { status } = spawnSync('npx', ['--no-install', 'vitest', 'run', '--project', 'e2e', 'e2e/runner/soak.test.ts'], {
  cwd: new URL('..', import.meta.url),
  stdio: 'inherit',
  env: { ...process.env, RUNBEAT_SOAK_RUNS: values.runs },
});
process.exit(status ?? 1);
