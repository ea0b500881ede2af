// `npm test`: builds everything, runs every suite, then the server's storage suite on PostgreSQL 15 where its programs
// are installed. Ends with one line that counts, whatever reporter is used. Arguments go on to vitest.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const reports = mkdtempSync(join(tmpdir(), 'runbeat-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };
let hasFailed = false;

function run(title, command, args, env = {}) {
  console.log(`\n> ${title}`);
  const started = Date.now();
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  console.log(`> ${title}: ${status === 0 ? 'ok' : `exit ${status}`} after ${Math.round((Date.now() - started) / 1000)} s`);
  if (status !== 0) hasFailed = true;
  return status === 0;
}

function vitest(title, args, env) {
  const report = join(reports, `${title.replace(/\W+/g, '-')}.json`);
  run(
    title,
    'npx',
    ['--no-install', 'vitest', 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...args],
    env,
  );
  if (!existsSync(report)) {
    // Without a report nothing is known to have passed.
    hasFailed = true;
    return;
  }
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  for (const file of testResults) {
    if (file.status === 'failed' && file.assertionResults.length === 0) totals.failed += 1;
    for (const { status } of file.assertionResults)
      totals[status === 'passed' ? 'passed' : status === 'failed' ? 'failed' : 'skipped'] += 1;
  }
}

const extra = process.argv.slice(2);
if (run('build', 'npm', ['run', 'build'])) {
  vitest('all suites', extra);
  const hasPostgres15 = existsSync('/usr/lib/postgresql/15/bin/initdb');
  if (extra.length === 0 && hasPostgres15)
    vitest('storage on PostgreSQL 15', ['--project', 'server', 'test/database', 'src/db', 'test/supervisor'], {
      RUNBEAT_TEST_DATABASE: '15',
    });
  else if (extra.length === 0)
    console.log('PostgreSQL 15 is not installed here: the second pass of the storage suite was left out.');
}
rmSync(reports, { recursive: true, force: true });
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = hasFailed || totals.failed > 0 || totals.passed === 0 ? 1 : 0;
