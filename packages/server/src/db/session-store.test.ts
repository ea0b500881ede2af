import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/database/test-database.js';
import type { JournalEntry, Session } from '../sessions/index.js';
import type { SessionStore } from '../sessions/session-store.js';
import type { AgentId, CompanyId, InstanceId, SessionId } from '../supervisor/model/index.js';
import { createPostgresSessionStore } from './session-store.js';

let database: TestDatabase;
let store: SessionStore;
beforeAll(async () => {
  database = await createTestDatabase();
  store = createPostgresSessionStore(database);
});
afterAll(() => database.drop());

const now = new Date('2026-06-01T00:00:00.000Z');
const newSession = (): Session => ({
  id: randomUUID() as SessionId,
  companyId: randomUUID() as CompanyId,
  agentId: randomUUID() as AgentId,
  adapterType: 'local',
  state: 'busy',
  reason: 'prompt',
  detail: null,
  statusSeq: 0,
  headSeq: 0,
  workerId: randomUUID(),
  ownerInstanceId: randomUUID() as InstanceId,
  ownerEpoch: 1,
  handle: null,
  outputCursor: null,
  adapterSession: null,
  openRequests: [],
  createdAt: now,
  updatedAt: now,
  endedAt: null,
});
const words = (session: Session, count: number): JournalEntry[] =>
  Array.from({ length: count }, (_, n) => ({
    seq: n + 1,
    at: now,
    kind: 'output',
    workerId: session.workerId,
    promptId: null,
    data: { n },
  }));

test('one commit takes more entries than a statement has parameters: a talker that is read anew says them all at once', async () => {
  const session = newSession();
  await store.create(session, null);
  const entries = words(session, 20_000);
  const change = { session: { ...session, headSeq: entries.length }, ownerEpoch: 1, prompts: [], entries };
  expect(await store.commit(change)).toBe(true);
  const { rows } = await database.pool.query<{ count: string; last: string }>(
    'SELECT count(*) AS count, max(seq) AS last FROM session_journal WHERE session_id = $1',
    [session.id],
  );
  expect(rows).toEqual([{ count: '20000', last: '20000' }]);
  expect((await store.readJournal(session.id, { afterSeq: 19_999, limit: 10 })).map(({ data }) => data)).toEqual([{ n: 19_999 }]);
});

test('a commit of somebody who does not own the session any more stores nothing of it', async () => {
  const session = newSession();
  await store.create(session, null);
  const entries = words(session, 9_000);
  expect(await store.commit({ session, ownerEpoch: 7, prompts: [], entries })).toBe(false);
  expect(await store.readJournal(session.id, { afterSeq: 0, limit: 10 })).toEqual([]);
});
