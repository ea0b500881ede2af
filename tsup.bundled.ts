import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Options } from 'tsup';

type BuildPlugin = NonNullable<Options['esbuildPlugins']>[number];

/** Libraries in CommonJS ask for Node's own modules by `require`, which an ES module does not have. */
export const requireForBundled =
  "import { createRequire as createRequireForBundled } from 'node:module';\nconst require = createRequireForBundled(import.meta.url);";

const noticesName = 'THIRD-PARTY-NOTICES.txt';
const introduction = `This package contains code of the libraries below, each under its own licence.\n`;

/** Licences that allow a copy within our packages, given that their text comes along. */
const allowedLicences: readonly string[] = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', '0BSD', 'Unlicense'];

/**
 * For libraries that become part of a package's own files (docs/decisions/0006): writes their licences beside the output,
 * and ends the build at one with an unknown licence or that nobody meant to bundle.
 *
 * @param meant what the package's own code imports of them; what those import in turn comes along.
 * @param leftOut what they would load and never do: asking for it at run time throws.
 */
export function bundledLibraries(meant: readonly string[], leftOut: readonly string[]): BuildPlugin {
  return {
    name: 'bundled-libraries',
    setup(build) {
      build.onLoad({ filter: /[\\/]node_modules[\\/].*\.[cm]?js$/ }, async ({ path }) => {
        // Without comments: they take a third, and one letter beyond ASCII in them doubles what Node has to scan.
        const bare = { minifyWhitespace: true, legalComments: 'none', target: 'esnext' } as const;
        const { code } = await build.esbuild.transform(await readFile(path, 'utf8'), bare);
        return { contents: `${code}\n${coarseSourceMap(basename(path))}\n`, loader: 'js' };
      });
      build.onResolve({ filter: nameFilter(leftOut) }, ({ path }) => ({ path, namespace: 'left-out' }));
      build.onLoad({ filter: /.*/, namespace: 'left-out' }, ({ path }) => ({
        contents: `throw new Error('${path} is left out of this build: see tsup.config.ts');`,
        loader: 'js',
      }));
      build.onEnd(async ({ metafile }) => {
        if (!metafile) return undefined;
        const imported = new Set(
          Object.entries(metafile.inputs)
            .filter(([path]) => !path.includes('node_modules'))
            .flatMap(([, { imports }]) => imports.flatMap(({ path }) => placeOfPackage(path)?.name ?? [])),
        );
        const unexpected = [...imported].filter((name) => !meant.includes(name));
        const unused = meant.filter((name) => !imported.has(name));
        const libraries = new Map(
          Object.values(metafile.outputs)
            .flatMap(({ inputs }) => Object.entries(inputs))
            .flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? (placeOfPackage(path) ?? []) : []))
            .map((place) => [place.folder, place]),
        );
        const found = await Promise.all([...libraries.values()].map(({ folder }) => readLicence(folder)));
        const refused = found.filter(({ licence }) => !allowedLicences.includes(licence));
        const errors = [
          ...unexpected.map((name) => `${name} would be bundled: name it in \`bundles\` or make it a dependency`),
          ...unused.map((name) => `${name} is named in \`bundles\` and not imported`),
          ...refused.map(({ title, licence }) => `${title} has the licence "${licence}", which is not among the allowed ones`),
        ];
        if (errors.length > 0) return { errors: errors.map((text) => ({ text })) };
        const outputFolder = build.initialOptions.outdir ?? 'dist';
        await mkdir(outputFolder, { recursive: true });
        const notices = found.map((each) => noticeFrom(each, found)).sort();
        await writeFile(join(outputFolder, noticesName), [introduction, ...notices].join('\n'));
        return undefined;
      });
    },
  };
}

/** Matches these packages, and nothing when there are none. */
const nameFilter = (names: readonly string[]): RegExp => new RegExp(names.length === 0 ? '^$' : `^(${names.join('|')})$`);

/** Names a library's file and no line of it: all of them would make our source maps several times as large. */
function coarseSourceMap(fileName: string): string {
  const map = { version: 3, sources: [fileName], sourcesContent: [''], mappings: 'AAAA' };
  return `//# sourceMappingURL=data:application/json;base64,${Buffer.from(JSON.stringify(map)).toString('base64')}`;
}

/** The package that a bundled file is of; null for files of our own. */
function placeOfPackage(path: string): { readonly name: string; readonly folder: string } | null {
  const match = /^(?:.*[\\/])?node_modules[\\/]((?:@[^\\/]+[\\/])?[^\\/]+)/.exec(path);
  return match?.[1] === undefined ? null : { name: match[1], folder: match[0] };
}

interface Licence {
  readonly title: string;
  readonly licence: string;
  readonly holder: string;
  /** Null when the package ships none, as `drizzle-orm` does. */
  readonly text: string | null;
}

async function readLicence(folder: string): Promise<Licence> {
  const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  const { name, version, license, author } = manifest as Record<string, unknown>;
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  return {
    title: `${String(name)} ${String(version)}`,
    licence: String(license),
    holder: nameOf(author) ?? `the authors of ${String(name)}`,
    text: texts.length > 0 ? texts.join('\n').trim() : null,
  };
}

/** A text that is missing is the one of another library with the same licence, which names its own holder in MIT and ISC. */
function noticeFrom({ title, licence, holder, text }: Licence, all: readonly Licence[]): string {
  const known = text ?? all.find((each) => each.licence === licence && each.text !== null)?.text ?? '';
  const lead = text === null ? `Copyright: ${holder}. It ships no licence text; the terms are those of ${licence}:\n\n` : '';
  return `${'-'.repeat(78)}\n${title} (${licence})\n\n${lead}${known}\n`;
}

function nameOf(author: unknown): string | null {
  if (typeof author === 'string') return author;
  const { name } = (author ?? {}) as { readonly name?: unknown };
  return typeof name === 'string' ? name : null;
}
