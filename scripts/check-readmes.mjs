// Runs the example of each package's README: the ```js block under `<!-- example -->`, against the built packages.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const limitMs = 60_000;
let failed = 0;

for (const name of readdirSync(join(root, 'packages'))) {
  const readme = join(root, 'packages', name, 'README.md');
  const block = existsSync(readme) ? /<!-- example -->\s*```js\n([\s\S]*?)```/.exec(readFileSync(readme, 'utf8')) : null;
  if (!block) {
    failed += 1;
    console.error(`packages/${name}: the README has no example`);
    continue;
  }
  // The file lies inside the package, so that the names of workspace packages resolve as they do for a user.
  const folder = mkdtempSync(join(root, 'packages', name, 'node_modules-example-'));
  const home = mkdtempSync(join(tmpdir(), 'runbeat-readme-'));
  try {
    const file = join(folder, 'example.mjs');
    writeFileSync(file, block[1]);
    const { code, output } = await run(file, folder, home);
    if (code !== 0) {
      failed += 1;
      console.error(`packages/${name}: the README's example ended with ${code}\n${output}`);
    } else console.log(`packages/${name}: ok`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true });
  }
}
process.exitCode = failed === 0 ? 0 : 1;

function run(file, cwd, home) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [file], {
      cwd,
      env: { ...process.env, RUNBEAT_HOME: home, HOME: home },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal, output });
    });
  });
}
