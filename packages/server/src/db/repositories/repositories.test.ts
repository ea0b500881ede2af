import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../test/database/test-database.js';
import type { AgentId, CompanyId } from '../../supervisor/model/index.js';
import * as repositories from './index.js';

const now = new Date('2026-01-02T03:04:05.678Z');
const at = (ms: number): Date => new Date(now.getTime() + ms);
const runtimeConfig = {
  limits: { timeoutMs: null, idleTimeoutMs: null },
  heartbeat: { enabled: false, intervalSec: 60, wakeOnDemand: true, maxConcurrentRuns: 5 },
  placement: null,
};

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  await database.drop();
});

describe('the installation', () => {
  it('has one id for all servers, also when several start first at the same time', async () => {
    const ids = await Promise.all([1, 2, 3, 4].map(() => repositories.ensureInstallationId(database.executor, now)));
    expect(new Set(ids).size).toBe(1);
    expect(await repositories.ensureInstallationId(database.executor, at(1))).toBe(ids[0]);
  });

  it('is another one in another database', async () => {
    const other = await createTestDatabase();
    const ids = await Promise.all([database, other].map(({ executor }) => repositories.ensureInstallationId(executor, now)));
    await other.drop();
    expect(ids[0]).not.toBe(ids[1]);
  });
});

describe('companies', () => {
  it('makes the company "local" once, also when two starts ask at the same time', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => repositories.ensureLocalCompany(database, now)));
    expect(new Set(answers.map((company) => company.id)).size).toBe(1);
    expect((await repositories.listCompanies(database.executor, { limit: 10, cursor: null })).items).toEqual([answers[0]]);
  });

  it('pages through all of them by cursor', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const [index, name] of names.entries()) await repositories.createCompany(database.executor, { name }, at(index));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: repositories.Page<repositories.Company> = await repositories.listCompanies(database.executor, {
        limit: 2,
        cursor,
      });
      seen.push(...page.items.map((company) => company.name));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(names);
  });

  it('finds nothing under an id that is none', async () => {
    expect(await repositories.getCompany(database.executor, "'; DROP TABLE companies" as CompanyId)).toBeNull();
  });
});

describe('agents', () => {
  it('stores what PostgreSQL cannot hold as replacement characters instead of failing', async () => {
    const company = await repositories.createCompany(database.executor, { name: 'n\0ul' }, now);
    const agent = await repositories.createAgent(
      database.executor,
      {
        companyId: company.id,
        name: 'a',
        role: 'r',
        adapterType: 'local',
        adapterConfig: { text: 'x\0y', lone: '\ud800', escaped: '\\u0000', kept: '\u{1F600}' },
        runtimeConfig,
      },
      now,
    );
    const stored = await repositories.getAgent(database.executor, agent.id);
    expect(stored?.adapterConfig).toEqual({ text: 'x\ufffdy', lone: '\ufffd', escaped: '\\u0000', kept: '\u{1F600}' });
    expect(stored?.createdAt).toEqual(now);
    expect((await repositories.getCompany(database.executor, company.id))?.name).toBe('n\ufffdul');
  });

  it('hides a deleted agent and keeps its row for history', async () => {
    const company = await repositories.createCompany(database.executor, { name: 'c' }, now);
    const input = { companyId: company.id, name: 'a', role: 'r', adapterType: 'local', adapterConfig: {}, runtimeConfig };
    const agent = await repositories.createAgent(database.executor, input, now);
    expect(await repositories.patchAgent(database.executor, agent.id, { status: 'paused' }, at(1))).toMatchObject({
      status: 'paused',
      updatedAt: at(1),
    });
    expect(await repositories.deleteAgent(database, agent.id, at(2))).toEqual({ outcome: 'deleted' });
    expect(await repositories.deleteAgent(database, agent.id, at(3))).toEqual({ outcome: 'not_found' });
    expect(await repositories.getAgent(database.executor, agent.id)).toBeNull();
    expect((await repositories.listAgents(database.executor, company.id, { limit: 10, cursor: null })).items).toEqual([]);
    expect(await repositories.patchAgent(database.executor, agent.id, { name: 'b' }, at(4))).toBeNull();
    expect(await repositories.countActiveRuns(database.executor, [agent.id as AgentId])).toEqual(new Map());
  });
});
