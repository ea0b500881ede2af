// Packs each public package and lets publint and arethetypeswrong look at the tarball, as a user would get it; and checks
// the types of the declarations themselves, which a build makes without checking them (tsup.shared.ts).
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ts from 'typescript';
import { runProgram, sideBySide } from './side-by-side.mjs';

const root = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'runbeat-pack-'));
const tool = (name, args) => runProgram(process.execPath, [join(root, 'node_modules/.bin', name), ...args], { cwd: root });
const packages = readdirSync(join(root, 'packages'))
  .map((name) => {
    const cwd = join(root, 'packages', name);
    return { cwd, manifest: JSON.parse(readFileSync(join(cwd, 'package.json'), 'utf8')) };
  })
  .filter(({ manifest }) => !manifest.private);
let failed = 0;
try {
  await sideBySide(packages, 2, checkTarball);
  checkDeclarations();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;

async function checkTarball({ cwd, manifest }) {
  const pack = await runProgram('npm', ['pack', '--json', '--pack-destination', folder], { cwd });
  if (pack.code !== 0) throw new Error(`npm pack failed for ${manifest.name}: ${pack.stderr}`);
  const answer = JSON.parse(pack.stdout);
  const packed = Array.isArray(answer) ? answer[0] : Object.values(answer)[0];
  const tarball = join(folder, packed.filename);
  const checks = [['publint', tarball, '--strict']];
  if (manifest.exports?.['.'])
    checks.push(['attw', tarball, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii', '--quiet']);
  for (const [name, ...args] of checks) {
    const check = await tool(name, args);
    if (check.code !== 0) {
      failed += 1;
      console.error(`${manifest.name}: ${name} says\n${check.output}`);
    }
  }
  console.log(`${manifest.name}: ${packed.files.length} files, ${Math.round(packed.size / 1024)} KiB packed`);
}

/** What a user's compiler reads: names that a declaration uses and nobody declares, modules that are not there. */
function checkDeclarations() {
  const entries = packages.flatMap(({ cwd, manifest }) =>
    Object.values(manifest.exports ?? {})
      .map((target) => target.types)
      .filter(Boolean)
      .map((types) => join(cwd, types)),
  );
  const { options } = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile).config,
    ts.sys,
    root,
  );
  // `paths` leads to the sources; here the built files are meant, as a user finds them in node_modules.
  const program = ts.createProgram(entries, { ...options, paths: {}, skipLibCheck: false, noEmit: true });
  const own = program.getSourceFiles().filter(({ fileName }) => /\/packages\/[^/]+\/dist\//.test(fileName));
  const problems = [
    ...program.getOptionsDiagnostics(),
    ...own.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
  failed += problems.length;
  if (problems.length > 0)
    console.error(
      ts.formatDiagnostics(problems, {
        getCanonicalFileName: (name) => name,
        getCurrentDirectory: () => root,
        getNewLine: () => '\n',
      }),
    );
  console.log(`declarations: ${entries.length} entries, ${own.length} files, ${problems.length} problems`);
}
