import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommandLine } from '../src/command-line.js';

let workingFolder = '';
beforeEach(() => {
  workingFolder = mkdtempSync(join(tmpdir(), 'create-adapter-'));
});
afterEach(() => rmSync(workingFolder, { recursive: true, force: true }));

async function run(args: string[], ask: ((question: string) => Promise<string>) | null = null) {
  let stdout = '';
  let stderr = '';
  const code = await runCommandLine(args, {
    workingFolder,
    ask,
    print: (text) => {
      stdout += text;
    },
    printError: (text) => {
      stderr += text;
    },
  });
  return { code, stdout, stderr };
}

describe('npm create runbeat-adapter', () => {
  it('creates a project whose files all carry its name, and says what to do next', async () => {
    const { code, stdout, stderr } = await run(['my-adapter', '--name', '@acme/runbeat-adapter-foo']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain("@acme/runbeat-adapter-foo (adapter type 'foo')");
    expect(stdout).toContain('cd my-adapter');
    const folder = join(workingFolder, 'my-adapter');
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (const file of files) expect(readFileSync(join(file.parentPath, file.name), 'utf8')).not.toMatch(/\{\{\w+\}\}/);
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(manifest).toMatchObject({ name: '@acme/runbeat-adapter-foo', keywords: ['runbeat-adapter'] });
    expect(manifest.dependencies['@runbeat/adapter-sdk']).toMatch(/^\^\d+\.\d+\.\d+$/);
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toContain('node_modules/');
    expect(readFileSync(join(folder, 'src/index.ts'), 'utf8')).toContain("type: 'foo'");
  });

  it('asks for the folder in a terminal, and only there', async () => {
    expect((await run([], async () => 'asked-for')).code).toBe(0);
    expect(readdirSync(workingFolder)).toEqual(['asked-for']);
    const { code, stderr } = await run([]);
    expect(code).toBe(2);
    expect(stderr).toContain('no terminal');
    expect((await run([], async () => '  ')).stderr).toContain('folder_missing');
  });

  it('takes an empty folder and a fresh repository, and leaves a used one as it is', async () => {
    mkdirSync(join(workingFolder, 'fresh/.git'), { recursive: true });
    expect((await run(['fresh'])).code).toBe(0);
    const again = await run(['fresh']);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/is not empty \(.*\)\..*nothing was changed/);
    writeFileSync(join(workingFolder, 'a-file'), 'precious');
    expect((await run(['a-file'])).stderr).toContain('is a file');
    expect(readFileSync(join(workingFolder, 'a-file'), 'utf8')).toBe('precious');
  });

  it('tells where it cannot write', async () => {
    writeFileSync(join(workingFolder, 'a-file'), '');
    const { code, stderr } = await run(['a-file/below', '--name', 'below']);
    expect(code).toBe(2);
    expect(stderr).toContain('folder_not_writable');
  });

  it.each([
    [['x', 'y'], 'too much: y'],
    [['x', '--speed'], '--speed'],
    [['Not A Name'], '--name not-a-name'],
  ])('refuses %j, says how to do it right, and writes nothing', async (args, message) => {
    const { code, stderr } = await run(args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(readdirSync(workingFolder)).toEqual([]);
  });
});
