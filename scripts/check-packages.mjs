// Packs each public package and lets publint and arethetypeswrong look at the tarball, as a user would get it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'runbeat-pack-'));
let failed = 0;
try {
  for (const name of readdirSync(join(root, 'packages'))) {
    const cwd = join(root, 'packages', name);
    const manifest = JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8'));
    if (manifest.private) continue;
    const pack = spawnSync('npm', ['pack', '--json', '--pack-destination', folder], { cwd, encoding: 'utf8' });
    if (pack.status !== 0) throw new Error(`npm pack failed for ${manifest.name}: ${pack.stderr}`);
    const answer = JSON.parse(pack.stdout);
    const packed = Array.isArray(answer) ? answer[0] : Object.values(answer)[0];
    const tarball = join(folder, packed.filename);
    const checks = [['publint', tarball, '--strict']];
    if (manifest.exports?.['.'])
      checks.push(['attw', tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii', '--quiet']);
    for (const [tool, ...args] of checks) {
      const check = spawnSync('npx', ['--no-install', tool, ...args], { cwd: root, encoding: 'utf8' });
      if (check.status !== 0) {
        failed += 1;
        console.error(`${manifest.name}: ${tool} says\n${check.stdout}${check.stderr}`);
      }
    }
    console.log(`${manifest.name}: ${packed.files.length} files, ${Math.round(packed.size / 1024)} KiB packed`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
