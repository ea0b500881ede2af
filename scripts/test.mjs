// `npm test`: builds everything and runs every suite, the storage suites also on PostgreSQL 15 where its programs are
// installed. Tells which files took longest and which tests passed only when they were tried again, and ends with one
// line that counts, whatever reporter is used. Arguments go on to vitest.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = new URL('..', import.meta.url).pathname;
const reports = mkdtempSync(join(tmpdir(), 'runbeat-test-'));
const totals = { passed: 0, failed: 0, skipped: 0 };
const slowFilesShown = 15;
const files = [];
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
  const reporters = ['--reporter=default', '--reporter=./scripts/test-reporter.mjs'];
  run(title, 'npx', ['--no-install', 'vitest', 'run', ...reporters, ...args], { ...env, RUNBEAT_TEST_REPORT: report });
  if (!existsSync(report)) {
    // Without a report nothing is known to have passed.
    hasFailed = true;
    return;
  }
  for (const file of JSON.parse(readFileSync(report, 'utf8'))) {
    files.push(file);
    if (file.isFailed && file.tests.length === 0) totals.failed += 1;
    for (const { state } of file.tests) totals[state === 'passed' || state === 'failed' ? state : 'skipped'] += 1;
  }
}

function tellWhereTimeWent() {
  const slowest = [...files].sort((a, b) => b.seconds - a.seconds).slice(0, slowFilesShown);
  console.log('\nThe slowest files (several run side by side):\n\nseconds  tests  project             file');
  for (const { file, project, seconds, tests } of slowest)
    console.log(`${seconds.toFixed(1).padStart(7)}  ${String(tests.length).padStart(5)}  ${project.padEnd(18)}  ${file}`);
  const retried = files.flatMap(({ file, tests }) =>
    tests.filter(({ retries }) => retries > 0).map((test) => ({ file, ...test })),
  );
  if (retried.length > 0) console.log('\nTests that were tried more than once:\n');
  for (const { file, name, state, retries } of retried) console.log(`${state} at try ${retries + 1}: ${file} > ${name}`);
}

const extra = process.argv.slice(2);
if (run('build', 'npm', ['run', 'build'])) {
  const hasPostgres15 = existsSync('/usr/lib/postgresql/15/bin/initdb');
  if (!hasPostgres15) console.log('PostgreSQL 15 is not installed here: the second pass of the storage suites is left out.');
  vitest('all suites', extra, hasPostgres15 ? { RUNBEAT_TEST_POSTGRES_15: '1' } : {});
}
rmSync(reports, { recursive: true, force: true });
tellWhereTimeWent();
console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = hasFailed || totals.failed > 0 || totals.passed === 0 ? 1 : 0;
