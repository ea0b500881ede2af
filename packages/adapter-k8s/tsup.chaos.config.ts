import { defineConfig } from 'tsup';

/** The chaos command and the simulator (for the benchmark) are TypeScript of the repository, not of the package: built beside it, never published. */
export default defineConfig({
  entry: { 'log-chaos': 'chaos/main.ts', simulator: 'simulator/index.ts' },
  outDir: 'node_modules/.chaos',
  format: 'esm',
  target: 'node20',
  platform: 'node',
  sourcemap: true,
  silent: true,
  // Bundled by tsup since it is only a devDependency, but CommonJS inside ESM does not run.
  external: ['ws', '@kubernetes/client-node'],
  tsconfig: 'tsconfig.json',
});
