// Runs the example of each package's README: the ```js block under `<!-- example -->`, against the built packages.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram, sideBySide } from './side-by-side.mjs';

const root = new URL('..', import.meta.url).pathname;
const limitMs = 60_000;
let failed = 0;

await sideBySide(readdirSync(join(root, 'packages')), 3, async (name) => {
  const readme = join(root, 'packages', name, 'README.md');
  const block = existsSync(readme) ? /<!-- example -->\s*```js\n([\s\S]*?)```/.exec(readFileSync(readme, 'utf8')) : null;
  if (!block) {
    failed += 1;
    console.error(`packages/${name}: the README has no example`);
    return;
  }
  // The file lies inside the package, so that the names of workspace packages resolve as they do for a user.
  const folder = mkdtempSync(join(root, 'packages', name, 'node_modules-example-'));
  const home = mkdtempSync(join(tmpdir(), 'runbeat-readme-'));
  try {
    const file = join(folder, 'example.mjs');
    writeFileSync(file, block[1]);
    const env = { ...process.env, RUNBEAT_HOME: home, HOME: home };
    const { code, output } = await runProgram(process.execPath, [file], { cwd: folder, env, limitMs });
    if (code !== 0) {
      failed += 1;
      console.error(`packages/${name}: the README's example ended with ${code}\n${output}`);
    } else console.log(`packages/${name}: ok`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(home, { recursive: true, force: true });
  }
});
process.exitCode = failed === 0 ? 0 : 1;
