// The rules come from architecture.json: change the direction of imports there, in review, not here.
import { readFileSync } from 'node:fs';

const architecture = JSON.parse(readFileSync(new URL('./architecture.json', import.meta.url), 'utf8'));
const tests =
  '(\\.test\\.ts$|\\.test-d\\.ts$|/test/|/testing/|/simulator/|vitest\\.config\\.ts$|tsup\\.config\\.ts$|drizzle\\.config\\.ts$)';

const packageRules = Object.entries(architecture.packages).flatMap(([name, { mayImport }]) => {
  const others = (allowed) => Object.keys(architecture.packages).filter((other) => other !== name && !allowed.includes(other));
  const rule = (suffix, from, allowed) => ({
    name: `${name}-${suffix}`,
    severity: 'error',
    comment: `${name} may import: ${allowed.join(', ') || 'no other package'}`,
    from,
    to: { path: others(allowed).map((other) => `^packages/${other}/`) },
  });
  return [
    rule('imports-downwards', { path: `^packages/${name}/src/`, pathNot: tests }, mayImport),
    rule('tests-import-downwards', { path: `^packages/${name}/.*${tests}` }, [...mayImport, ...architecture.testsMayAlsoImport]),
  ];
});

const folderRules = architecture.folders.map((folder) => ({
  name: folder.name,
  severity: 'error',
  comment: folder.why,
  from: { path: `^${folder.from}`, pathNot: tests },
  to: {
    path: [
      ...(folder.mayNotImport ?? []).map((name) => (name.startsWith('node:') ? `^${name.slice(5)}$` : `node_modules/${name}/`)),
      ...(folder.mayNotReach ?? []).map((path) => `^${path}`),
    ],
  },
}));

export default {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: { pathNot: 'node_modules' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-deep-imports',
      severity: 'error',
      comment: 'Packages know each other by their names.',
      from: { path: '^(packages/([^/]+)|examples|benchmarks)/' },
      to: {
        path: '^packages/[^/]+/(src|dist)/(?!index\\.ts$|process\\.ts$)',
        pathNot: '^packages/$2/',
        dependencyTypesNot: ['aliased-workspace', 'aliased-tsconfig'],
      },
    },
    ...packageRules,
    ...folderRules,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/(dist|template)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'default'] },
  },
};
