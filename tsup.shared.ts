import { defineConfig } from 'tsup';

/**
 * The one build of all packages: ESM for Node 20, declarations bundled per entry. It finds no type errors (`noCheck`), which
 * halves its time: `npm run typecheck` finds them in all sources, and `npm run check:packages` in the declarations made here.
 * `RUNBEAT_FAST_BUILD=1` leaves the declarations out (tests that start built programs need only the JavaScript).
 */
export function packageBuild(options: {
  entries: string[] | Record<string, string>;
  noExternal?: string[];
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
    ...(options.noExternal ? { noExternal: options.noExternal } : {}),
    ...(options.onSuccess ? { onSuccess: options.onSuccess } : {}),
  });
}
