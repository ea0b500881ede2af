import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runStoreConformance } from '../../../test/database/run-store-conformance.js';
import { newAgent, newRun, newWakeup, now } from '../../../test/database/run-store-fixtures.js';
import { createTestDatabase, type TestDatabase } from '../../../test/database/test-database.js';
import type { Agent, RunId } from '../../supervisor/model/index.js';
import type { RunStore } from '../../supervisor/ports/index.js';
import { createCompany, listUnfinishedRuns } from '../repositories/index.js';
import { agents } from '../schema/index.js';
import { createPostgresRunStore } from './postgres-run-store.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ maxConnections: 10 });
});
afterAll(async () => {
  await database.drop();
});

runStoreConformance('postgres', async () => {
  await database.clear();
  return {
    store: createPostgresRunStore(database),
    createCompany: async () => (await createCompany(database.executor, { name: 'c' }, now)).id,
    insertAgent: async (agent) => {
      await database.executor.insert(agents).values(agent);
    },
    close: () => Promise.resolve(),
  };
});

describe('PostgreSQL run store', () => {
  let store: RunStore;
  let agent: Agent;
  beforeEach(async () => {
    await database.clear();
    store = createPostgresRunStore(database);
    const company = await createCompany(database.executor, { name: 'c' }, now);
    agent = newAgent(company.id);
    await database.executor.insert(agents).values(agent);
  });
  it('gives each queued run to one of many claimers at once', async () => {
    const runs = Array.from({ length: 60 }, () => newRun(agent));
    await store.transaction(async (tx) => {
      for (const run of runs) await tx.insertRun(run);
    });
    const claim = () =>
      store.transaction(async (tx) => {
        const chosen = await tx.selectClaimable({
          now,
          limit: 4,
          ageingMs: 60_000,
          excludeAgentIds: [],
          excludeAdapterTypes: [],
        });
        for (const run of chosen) {
          expect(await tx.moveRun({ id: run.id, from: ['queued'], ownerEpoch: 0 }, 'running', { ownerEpoch: 1 })).toBe('moved');
        }
        return chosen.map((run) => run.id);
      });
    const claimed: RunId[] = [];
    const claimers = Array.from({ length: 8 }, async () => {
      for (let taken = await claim(); taken.length > 0; taken = await claim()) claimed.push(...taken);
    });
    await Promise.all(claimers);
    expect([...claimed].sort()).toEqual(runs.map((run) => run.id).sort());
  });

  it('numbers the events of transactions that write to one run at once, without a hole', async () => {
    const run = newRun(agent);
    await store.transaction((tx) => tx.insertRun(run));
    const event = { type: 'x', level: 'info', message: 'm', at: now } as const;
    await Promise.all(Array.from({ length: 8 }, () => store.transaction((tx) => tx.appendRunEvents(run, [event, event]))));
    const seqs = (await store.listRunEvents(run.id, { afterSeq: 0, limit: 100 })).map((one) => one.seq);
    expect(seqs).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  });

  it('tells which of some runs go on: the queued and the running ones, and nothing of what is no run', async () => {
    const [queued, running, ended] = [newRun(agent), newRun(agent), newRun(agent)];
    await store.transaction(async (tx) => {
      for (const run of [queued, running, ended]) await tx.insertRun(run);
      await tx.moveRun({ id: running.id, from: ['queued'] }, 'running', {});
      await tx.moveRun({ id: ended.id, from: ['queued'] }, 'failed', {});
    });
    const ids = [queued.id, running.id, ended.id, newRun(agent).id, 'no id', ''];
    expect(await listUnfinishedRuns(database.executor, ids)).toEqual(new Set([queued.id, running.id]));
    expect(await listUnfinishedRuns(database.executor, [])).toEqual(new Set());
  });

  it('serialises wakes with the same idempotency key', async () => {
    const admit = () =>
      store.transaction(async (tx) => {
        await tx.lockIdempotencyKey(agent.companyId, 'same');
        const known = await tx.findWakeupByIdempotencyKey(agent.companyId, 'same');
        if (known !== null) return known.id;
        const wakeup = newWakeup(agent, { idempotencyKey: 'same' });
        await tx.insertWakeup(wakeup);
        return wakeup.id;
      });
    const answers = await Promise.all(Array.from({ length: 10 }, admit));
    expect(new Set(answers).size).toBe(1);
  });

  it('runs a transaction again that was chosen as the victim of a deadlock', async () => {
    const [first, second] = [newRun(agent), newRun(agent)];
    await store.transaction(async (tx) => {
      await tx.insertRun(first);
      await tx.insertRun(second);
    });
    let waiting = 2;
    let release = (): void => undefined;
    const bothHoldOne = new Promise<void>((resolve) => (release = resolve));
    const lockBoth = (one: RunId, other: RunId) => {
      let tries = 0;
      return store.transaction(async (tx) => {
        await tx.lockRun(one);
        waiting -= 1;
        if (waiting === 0) release();
        await bothHoldOne;
        await tx.lockRun(other);
        tries += 1;
        return tries;
      });
    };
    await Promise.all([lockBoth(first.id, second.id), lockBoth(second.id, first.id)]);
    expect(waiting).toBeLessThan(0);
  });

  it('fails a transaction with the statement that was sent and not awaited, and keeps nothing of it', async () => {
    const run = newRun(agent);
    await store.transaction((tx) => tx.insertRun(run));
    const other = newRun(agent);
    await expect(
      store.transaction(async (tx) => {
        await tx.insertRun(other);
        await tx.insertRun(run);
        await tx.appendActivity({ companyId: agent.companyId, actor: 'a', action: 'b', entityType: 'c', entityId: 'd' }, now);
      }),
    ).rejects.toMatchObject({ code: '23505' });
    // A read behind the failed statement fails because of it; what is told is the cause.
    await expect(
      store.transaction(async (tx) => {
        await tx.insertRun(run);
        await tx.getRun(run.id);
      }),
    ).rejects.toMatchObject({ code: '23505' });
    expect(await store.getRun(other.id)).toBeNull();
    expect(await store.countRuns()).toMatchObject({ queued: 1 });
  });

  it('closes a run whose adapter reports nonsense numbers', async () => {
    await store.transaction((tx) =>
      tx.updateAgentRuntimeState(agent, {
        add: { totalInputTokens: 1.6, totalOutputTokens: Number.NaN, totalCostUsd: Number.POSITIVE_INFINITY },
      }),
    );
    expect(await store.transaction((tx) => tx.getAgentRuntimeState(agent.id))).toMatchObject({
      totalInputTokens: 2,
      totalOutputTokens: 0,
      totalCostUsd: 0,
    });
  });
});
