import { readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, test } from 'vitest';
import { adapterConformance, commandScripts } from '../src/index.js';
import adapter from './fixtures/spool-adapter.mjs';

afterAll(() => {
  const folder = join(tmpdir(), `runbeat-spool-fixture-${process.getuid?.()}`);
  // Only what this process started: the suite may run twice at once on one machine.
  for (const name of readdirSync(folder)) if (name.includes(`-${process.pid}-`)) rmSync(join(folder, name), { recursive: true });
});

describe.skipIf(process.platform !== 'linux')('an adapter with real processes and hosts that are really killed', () => {
  adapterConformance({
    test,
    createAdapter: () => adapter,
    scripts: commandScripts((command, args) => ({ command, args, graceMs: 300 })),
    adapterModule: new URL('./fixtures/spool-adapter.mjs', import.meta.url),
  });
});
