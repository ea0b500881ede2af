// Builds the JavaScript of the named packages (all without a name), without declarations: what tests that start built
// programs need. `npm run build:fast -- adapter-sdk server`
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync } from 'node:fs';

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
  else removeOldChunks(new URL('dist/', cwd));
}
process.exitCode = failed === 0 ? 0 : 1;

/** Files of earlier builds, whose names hold a hash. Those of the last hour stay: a running program may yet load them. */
function removeOldChunks(dist) {
  for (const file of readdirSync(dist)) {
    const path = new URL(file, dist);
    if (/-[A-Z0-9]{8}\.js(\.map)?$/.test(file) && Date.now() - statSync(path).mtimeMs > 3_600_000) rmSync(path, { force: true });
  }
}
