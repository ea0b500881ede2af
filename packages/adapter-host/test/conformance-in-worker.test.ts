import { adapterConformance, commandScripts } from '@runbeat/adapter-testkit';
import { afterAll, describe, test } from 'vitest';
import { loadAdapter } from '../src/index.js';
import { fixture } from './load-scripted.js';

// A real adapter in a worker: whatever the contract asks must hold for the object that stands in for it here.
const loaded = await loadAdapter({
  source: { kind: 'module', specifierOrPath: fixture('local-attached.mjs') },
  isolation: 'worker',
  environment: { PATH: process.env['PATH'] ?? '' },
});
afterAll(() => loaded.close());

describe('an adapter in a worker keeps the contract', () => {
  adapterConformance({
    test,
    createAdapter: () => loaded.adapter,
    scripts: commandScripts((command, args) => ({ command, args, graceMs: 1_000 })),
  });
});
