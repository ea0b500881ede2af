import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'runbeat-testkit-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(...args: string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: fixtures,
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { code: status, stdout, stderr };
}

describe('runbeat-adapter-testkit', () => {
  it('prints each verdict and ends with 0 for an adapter that keeps the contract', () => {
    const { code, stdout, stderr } = run('./scripted-package');
    expect(stderr).toBe('');
    expect(stdout).toMatch(/^scripted-fixture \(adapter-v1, attached\)/);
    expect(stdout).toMatch(/✓ rule 4: cancelled work is asked to stop/);
    expect(stdout).toMatch(/(\d+) of \1 tests pass/);
    expect(code).toBe(0);
  }, 60_000);

  it('names the test that fails, says why, and ends with 1', () => {
    const { code, stdout } = run('broken-package/index.mjs');
    expect(stdout).toMatch(/✗ rule 5: work that fails is a result, not a rejection \(\d+ ms\)\n {6}the child ended with 3/);
    expect(stdout).toMatch(/1 of \d+ tests fail:\n {2}- rule 5: work that fails/);
    expect(code).toBe(1);
  }, 60_000);

  it('gives the verdicts to programs as JSON', () => {
    const { code, stdout } = run('--json', 'broken-package/index.mjs');
    const { verdicts } = JSON.parse(stdout) as { verdicts: { title: string; failure: string | null }[] };
    expect(verdicts.filter(({ failure }) => failure !== null).map(({ title }) => title)).toEqual([
      'rule 5: work that fails is a result, not a rejection',
    ]);
    expect(code).toBe(1);
  }, 60_000);

  it.each([
    ['ends the process', 'process.exit(0)', 'before the suite did: the adapter called process.exit'],
    [
      'throws outside of any call',
      'setTimeout(() => { throw new TypeError("thrown late"); }); await new Promise(() => {})',
      'thrown late',
    ],
  ])(
    'does not take an adapter for a good one that %s',
    (_, deed, message) => {
      const configured = JSON.stringify(new URL('./fixtures/scripted-package/index.mjs', import.meta.url).href);
      writeFileSync(
        join(folder, 'hostile.mjs'),
        `import working from ${configured};\nexport default { ...working, async testEnvironment() { ${deed} } };\n`,
      );
      const { code, stderr } = run(join(folder, 'hostile.mjs'), '--config', './scripted-package/conformance.config.mjs');
      expect(stderr).toContain(message);
      expect(code).toBe(1);
    },
    60_000,
  );

  it('does not take a module for a good one that never finishes loading', () => {
    writeFileSync(join(folder, 'endless.mjs'), 'await new Promise(() => {});\nexport default {};\n');
    const { code, stderr } = run(join(folder, 'endless.mjs'));
    expect(stderr).toContain('never settles');
    expect(code).toBe(1);
  });

  it('ends although the adapter left a timer behind', () => {
    const configured = JSON.stringify(new URL('./fixtures/scripted-package/index.mjs', import.meta.url).href);
    writeFileSync(join(folder, 'timer.mjs'), `export { default } from ${configured};\nsetInterval(() => {}, 1_000);\n`);
    expect(run(join(folder, 'timer.mjs'), '--config', './scripted-package/conformance.config.mjs').code).toBe(0);
  }, 60_000);

  it.each([
    ['no adapter is named', [], 'Name the package or the path'],
    ['an option is unknown', ['--fast', 'x'], '--fast'],
    ['two are named', ['a', 'b'], 'One adapter at a time'],
    ['it cannot be found', ['no-such-package'], "'no-such-package' is neither a file or folder here nor an installed package"],
    ['there are no scripts', ['./no-scripts-package'], 'export default ({ commandScripts })'],
    ['the named scripts do not exist', ['./scripted-package', '--config', 'nowhere.json'], 'nowhere.json does not exist'],
    ['the module exports no adapter', ['agent-free.mjs'], 'exports no adapter that a host accepts'],
    ['the module does not load', ['throws.mjs'], 'could not be loaded: this module throws'],
    ['a script is missing', ['./scripted-package', '--config', 'EMPTY'], 'has no config for: exit0, exit3'],
  ])('says what to do and ends with 2 when %s', (_, args, message) => {
    writeFileSync(join(folder, 'agent-free.mjs'), 'export default { specVersion: "adapter-v1" };\n');
    writeFileSync(join(folder, 'throws.mjs'), 'throw new TypeError("this module throws");\n');
    writeFileSync(join(folder, 'empty.json'), '{ "scripts": {} }\n');
    const paths = args.map((arg) =>
      arg.endsWith('.mjs') ? join(folder, arg) : arg === 'EMPTY' ? join(folder, 'empty.json') : arg,
    );
    const { code, stdout, stderr } = run(...paths);
    expect(stderr).toContain(message);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });
});
