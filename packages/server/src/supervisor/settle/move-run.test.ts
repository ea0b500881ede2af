import { describe, expect, it } from 'vitest';
import { createRandomId, type RunId, type RunStatus, runStatuses, runTransitions } from '../model/index.js';
import type { RunStoreTransaction } from '../ports/index.js';
import { moveRun } from './move-run.js';

const tx = (answer: 'moved' | 'stale', calls: unknown[] = []): RunStoreTransaction =>
  ({
    moveRun: async (...input: unknown[]) => {
      calls.push(input);
      return answer;
    },
  }) as unknown as RunStoreTransaction;

const pairs = runStatuses.flatMap((from) => runStatuses.map((to) => [from, to] as const));

describe('moveRun', () => {
  it.each(pairs)('from %s to %s does what the table says', async (from, to) => {
    const calls: unknown[] = [];
    const guard = { id: createRandomId<RunId>(), from, ownerEpoch: 3 };
    const isAllowed = (runTransitions[from] as readonly RunStatus[]).includes(to);
    if (isAllowed) {
      expect(await moveRun(tx('moved', calls), guard, to, {})).toBe('moved');
      expect(calls).toEqual([[{ id: guard.id, from: [from], ownerEpoch: 3 }, to, {}]]);
    } else {
      await expect(moveRun(tx('moved', calls), guard, to, {})).rejects.toMatchObject({ code: 'internal_error' });
      expect(calls).toEqual([]);
    }
  });

  it('leaves no way out of an end, and one way in', () => {
    const ends = runStatuses.filter((status) => runTransitions[status].length === 0);
    expect(ends).toEqual(['succeeded', 'failed', 'cancelled', 'timed_out']);
    expect(runStatuses.filter((from) => (runTransitions[from] as readonly RunStatus[]).includes('running'))).toEqual(['queued']);
  });

  it('passes on that somebody was faster', async () => {
    expect(await moveRun(tx('stale'), { id: createRandomId<RunId>(), from: 'queued', ownerEpoch: 0 }, 'running', {})).toBe(
      'stale',
    );
  });
});
