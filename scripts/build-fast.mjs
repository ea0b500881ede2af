// Builds the JavaScript of the named packages (all without a name), without declarations: what tests that start built
// programs need. `npm run build:fast -- adapter-sdk server`
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

const root = new URL('../', import.meta.url);
const wanted = process.argv.slice(2);
const folders = ['packages', 'examples'].flatMap((parent) =>
  readdirSync(new URL(parent, root)).map((name) => ({ name, path: `${parent}/${name}` })),
);
let failed = 0;
for (const { name, path } of folders) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const cwd = new URL(`${path}/`, root);
  if (!existsSync(new URL('tsup.config.ts', cwd))) continue;
  const run = spawnSync('npx', ['--no-install', 'tsup'], {
    cwd,
    stdio: 'inherit',
    env: { ...process.env, RUNBEAT_FAST_BUILD: '1' },
  });
  if (run.status !== 0) failed += 1;
}
process.exitCode = failed === 0 ? 0 : 1;
