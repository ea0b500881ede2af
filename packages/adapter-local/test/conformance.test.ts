import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { adapterConformance, commandScripts } from '@runbeat/adapter-testkit';
import { afterAll, describe, test } from 'vitest';
import { createLocalAdapter, createLocalAttachedAdapter } from '../src/index.js';
import { fixtureConfig } from './bench.js';

// The kit's hosts are other processes, which load the built package: they find the folder by this variable.
const home = mkdtempSync(join(tmpdir(), 'runbeat-conformance-'));
process.env['RUNBEAT_HOME'] = home;
afterAll(() => rmSync(home, { recursive: true, force: true }));

const scripts = commandScripts((command, args) => ({ command, args: [...args], graceMs: 1_000 }));

/** An agent that does one thing with whatever it is asked. */
const agent = (deed: string) => ({
  ...fixtureConfig('one-deed', deed),
  graceMs: 1_000,
  interactive: { protocol: 'json-rpc-lines' },
});
const interactive = {
  answers: agent('answers'),
  worksUntilCancelled: agent('works-until-cancelled'),
  diesOnPrompt: agent('dies-on-prompt'),
  closesStdin: agent('closes-stdin'),
  prompt: { text: 'hello' },
};

describe('local', () => {
  adapterConformance({
    test,
    createAdapter: () => createLocalAdapter(),
    scripts: { ...scripts, interactive },
    adapterModule: new URL('../dist/index.js', import.meta.url),
  });
});

describe('local-attached', () => {
  adapterConformance({ test, createAdapter: () => createLocalAttachedAdapter(), scripts });
});
