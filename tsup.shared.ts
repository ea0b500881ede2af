import { defineConfig } from 'tsup';
import { bundledLibraries, requireForBundled } from './tsup.bundled.js';

/**
 * The one build of all packages: ESM for Node 20, declarations bundled per entry. It finds no type errors (`noCheck`), which
 * halves its time: `npm run typecheck` finds them in all sources, and `npm run check:packages` in the declarations made here.
 * `RUNBEAT_FAST_BUILD=1` leaves the declarations out (tests that start built programs need only the JavaScript).
 */
export function packageBuild(options: {
  entries: string[] | Record<string, string>;
  /** Libraries that become part of the output, so that they load at once and need no folder of their own (devDependencies). */
  bundles?: string[];
  /** What bundled libraries name and never load here. */
  leavesOut?: string[];
  /** Globals that the output is built without, by what stands for each. */
  define?: Record<string, string>;
  /** Runs after each build; for files that are not compiled and belong beside the output. */
  onSuccess?: () => Promise<void>;
}): ReturnType<typeof defineConfig> {
  const isFast = process.env.RUNBEAT_FAST_BUILD === '1';
  return defineConfig({
    entry: options.entries,
    format: 'esm',
    target: 'node20',
    platform: 'node',
    sourcemap: true,
    clean: !isFast,
    dts: isFast ? false : { compilerOptions: { paths: {}, noCheck: true } },
    tsconfig: 'tsconfig.build.json',
    splitting: true,
    silent: true,
    ...(options.define ? { define: options.define } : {}),
    ...(options.bundles
      ? {
          noExternal: options.bundles,
          banner: { js: requireForBundled },
          esbuildPlugins: [bundledLibraries(options.bundles, options.leavesOut ?? [])],
        }
      : {}),
    ...(options.onSuccess ? { onSuccess: options.onSuccess } : {}),
  });
}
