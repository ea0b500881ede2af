import { fileURLToPath } from 'node:url';
import { defineProject, type UserWorkspaceConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(`./packages/${path}`, import.meta.url));

/** Tests import the packages' sources, so that no stale build can answer for them; programs that they start are built. */
const aliases = [
  { find: '@runbeat/adapter-sdk/processes', replacement: source('adapter-sdk/src/processes/index.ts') },
  { find: '@runbeat/adapter-local/process', replacement: source('adapter-local/src/process.ts') },
  ...[
    'adapter-sdk',
    'adapter-testkit',
    'adapter-local',
    'adapter-k8s',
    'adapter-paperclip',
    'adapter-host',
    'protocol',
    'server',
    'client',
    'runner',
  ].map((name) => ({ find: `@runbeat/${name}`, replacement: source(`${name}/src/index.ts`) })),
  { find: /^runbeat$/, replacement: source('cli/src/index.ts') },
];

export type TestKind = 'units' | 'processes';

/**
 * The vitest settings of every package. Files run side by side in processes of their own (vitest.config.ts says how many).
 * `processes` is for suites that start real processes, sockets or databases: a longer limit, since the cores are shared.
 */
export function packageTests(options: {
  name: string;
  kind?: TestKind;
  include?: string[];
  globalSetup?: string[];
}): UserWorkspaceConfig {
  const isHeavy = options.kind === 'processes';
  return defineProject({
    resolve: { alias: aliases },
    test: {
      name: options.name,
      include: options.include ?? ['src/**/*.test.ts', 'test/**/*.test.ts', '*.test.ts'],
      // Ceilings, not expectations: on a machine at its limit a server may need half a minute to start.
      testTimeout: isHeavy ? 180_000 : 30_000,
      hookTimeout: 120_000,
      pool: 'forks',
      // Tried up to twice more in CI and reported as flaky: the machine there is shared and has two cores. Here and not in the
      // root's config, whose `retry` projects do not inherit.
      retry: process.env['CI'] ? 2 : 0,
      ...(options.globalSetup ? { globalSetup: options.globalSetup } : {}),
    },
  });
}
