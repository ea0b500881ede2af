import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const documentation = join(root, 'docs/adapter-authors');
// Inside this package, so that imports resolve as they do for it.
const folder = fileURLToPath(new URL('./.documentation-examples/', import.meta.url));
const pages = readdirSync(documentation).filter((name) => name.endsWith('.md'));
const textOf = (page: string): string => readFileSync(join(documentation, page), 'utf8');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docs/adapter-authors', () => {
  it('has only examples that compile', () => {
    mkdirSync(folder, { recursive: true });
    let count = 0;
    for (const page of pages) {
      for (const [index, match] of [...textOf(page).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].entries()) {
        writeFileSync(join(folder, `${page.replace('.md', '')}-${index + 1}.ts`), `${match[1]}\nexport {};\n`);
        count += 1;
      }
    }
    expect(count).toBeGreaterThan(15);
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ extends: '../../../../tsconfig.base.json', include: ['*.ts'] }),
    );
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const { stdout } = spawnSync(process.execPath, [compiler, '--noEmit', '-p', folder], { encoding: 'utf8' });
    expect(stdout).toBe('');
  }, 60_000);

  it('has no link that leads nowhere', () => {
    const broken = pages.flatMap((page) =>
      [...textOf(page).matchAll(/\]\((?!https?:)([^)#]+)/g)]
        .map((match) => resolve(documentation, match[1] ?? ''))
        .filter((path) => !existsSync(path))
        .map((path) => `${page}: ${path}`),
    );
    expect(broken).toEqual([]);
  });

  it('explains each of the ten rules with an example', () => {
    const sections = textOf('rules.md').split(/^## /m).slice(1);
    expect(sections.map((section) => Number.parseInt(section, 10))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const section of sections) expect(section).toContain('```ts');
  });
});
