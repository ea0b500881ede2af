import { describe, test } from 'vitest';
import { adapterConformance } from '../src/index.js';
import { scriptedConformance } from './scripted-conformance.js';

describe.each(['attached', 'handle', 'log-driven'] as const)('the scripted adapter, %s', (kind) => {
  adapterConformance({ test, ...scriptedConformance({ kind }).options });
});
