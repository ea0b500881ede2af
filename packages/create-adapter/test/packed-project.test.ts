import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const packages = fileURLToPath(new URL('../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'create-adapter-packed-'));
const project = join(folder, 'runbeat-adapter-demo');

/** npm as an author has it: no settings of the test run that started us. */
async function npm(args: string[], cwd: string): Promise<{ stdout: string; stderr: string }> {
  const environment = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_|TEST)/i.test(name)),
  );
  try {
    return await run('npm', args, { cwd, env: environment, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`npm ${args.join(' ')} failed:\n${stdout.slice(-4_000)}\n${stderr.slice(-4_000)}`, { cause: error });
  }
}

async function pack(name: string): Promise<string> {
  expect(existsSync(join(packages, name, 'dist/index.d.ts')), `packages/${name} is not built: npm run build`).toBe(true);
  const { stdout } = await npm(['pack', '--json', '--ignore-scripts', '--pack-destination', folder], join(packages, name));
  const [packed] = JSON.parse(stdout) as { filename: string }[];
  return join(folder, packed?.filename ?? '');
}

describe('a generated project, with everything installed from packed tarballs', () => {
  beforeAll(async () => {
    const [sdk, testkit, create] = [await pack('adapter-sdk'), await pack('adapter-testkit'), await pack('create-adapter')];
    // As `npm create` does it: the generator runs from its own package, not from here.
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    await npm(['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund', create], folder);
    await run(process.execPath, [join(folder, 'node_modules/create-runbeat-adapter/dist/bin.js'), project]);
    // Not published yet, so the ranges in its package.json are replaced by the tarballs.
    const manifestPath = join(project, 'package.json');
    const manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
    manifest.dependencies['@runbeat/adapter-sdk'] = `file:${sdk}`;
    manifest.devDependencies['@runbeat/adapter-testkit'] = `file:${testkit}`;
    writeFileSync(manifestPath, JSON.stringify(manifest, null, 2));
    await npm(['install', '--ignore-scripts', '--prefer-offline', '--no-audit', '--no-fund'], project);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('type-checks', async () => {
    await npm(['run', 'typecheck'], project);
  });

  it('builds and passes its own tests, which are the conformance suite', async () => {
    const { stdout } = await npm(['test'], project);
    expect(stdout).toMatch(/rule 4: no descendant outlives cancelled work/);
    expect(stdout).toMatch(/^# fail 0$|ℹ fail 0/m);
  }, 120_000);

  it('is ready to publish: it packs what users need and nothing else', async () => {
    const { stdout } = await npm(['pack', '--json', '--dry-run', '--ignore-scripts'], project);
    const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[];
    const files = packed?.files.map(({ path }) => path) ?? [];
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']),
    );
    expect(files.filter((path) => /test|node_modules|conformance/.test(path))).toEqual([]);
  });

  it('gives an adapter that the kit finds by its folder', async () => {
    const program = join(project, 'node_modules/@runbeat/adapter-testkit/dist/bin.js');
    const { stdout } = await run(process.execPath, [program, '--help'], { cwd: project });
    expect(stdout).toContain('runbeat-adapter-testkit');
    const url = new URL(`file://${project}/dist/index.js`).href;
    const check = `import(${JSON.stringify(url)}).then(({ default: { type, specVersion } }) => console.log(type, specVersion))`;
    expect((await run(process.execPath, ['-e', check])).stdout).toBe('demo adapter-v1\n');
  });

  it('holds no dependency beside the SDK and the schema library', () => {
    const manifest = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
    expect(Object.keys(manifest.dependencies).sort()).toEqual(['@runbeat/adapter-sdk', 'zod']);
    expect(readdirSync(join(project, 'node_modules/@runbeat')).sort()).toEqual(['adapter-sdk', 'adapter-testkit']);
  });
});
