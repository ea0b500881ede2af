// `npm run test:case -- C1`: runs one acceptance case alone (built programs, real processes).
import { spawnSync } from 'node:child_process';

const [id, ...rest] = process.argv.slice(2);
if (!id || !/^[CWTP]\d+$/.test(id)) {
  console.error('Name a case of docs/acceptance, for example: npm run test:case -- C1');
  process.exit(2);
}
const build = spawnSync('npm', ['run', 'build:fast'], { stdio: 'inherit' });
if (build.status !== 0) process.exit(build.status ?? 1);
const run = spawnSync('npx', ['--no-install', 'vitest', 'run', '-t', `^(.* )?${id} `, ...rest], { stdio: 'inherit' });
process.exit(run.status ?? 1);
