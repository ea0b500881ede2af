import { describe, expect, it } from 'vitest';
import { runConformance } from '../src/index.js';
import { brokenAdapters } from './broken-adapters.js';
import { scriptedConformance } from './scripted-conformance.js';

/** Time that a test waits in vain for what a broken adapter never does. */
const limitMs = 10_000;

describe('a deliberately broken adapter fails exactly the test that is about its fault', () => {
  it.concurrent.each(brokenAdapters)(
    'one that $name',
    async ({ kind, fails, change, changeOptions }) => {
      const { options, world } = scriptedConformance({ kind, limitMs, ...(change ? { change } : {}) });
      const verdicts = await runConformance(changeOptions?.(options, world) ?? options);
      expect(verdicts.flatMap(({ title, failure }) => (failure === null ? [] : [title]))).toEqual([fails]);
    },
    60_000,
  );

  it('exists for each test of the suite', async () => {
    const titles = new Set<string>();
    for (const kind of ['attached', 'handle', 'log-driven'] as const) {
      for (const { title } of await runConformance(scriptedConformance({ kind }).options)) titles.add(title);
    }
    const proven = new Set(brokenAdapters.map(({ fails }) => fails));
    expect([...titles].filter((title) => !proven.has(title))).toEqual([]);
  }, 60_000);
});
