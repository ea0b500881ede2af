import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitUntil } from './harness/processes.js';
import { startTestDatabase, type TestDatabase } from './harness/test-database.js';
import { createTestHome, fixture, startTestServer, type TestServer } from './harness/test-server.js';

/** What is created, where, and in which table its row is. `marker` finds the row again. */
interface Creation {
  readonly path: string;
  readonly body: object;
  readonly countRows: string;
  readonly marker: string;
}

/** Says of commits that complete a key how long they take. */
async function setCompletionSeconds(database: TestDatabase, seconds: number): Promise<void> {
  await database.query(`CREATE OR REPLACE FUNCTION take_seconds() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(${seconds}); RETURN NULL; END $$`);
}

async function slowCompletions(database: TestDatabase): Promise<void> {
  await setCompletionSeconds(database, 5);
  await database.query(`CREATE CONSTRAINT TRIGGER slow_completion AFTER INSERT OR UPDATE ON idempotency_records
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.status IS NOT NULL) EXECUTE FUNCTION take_seconds()`);
}

const completing = (database: TestDatabase): Promise<{ pid: number }[]> =>
  database.query(`SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND application_name <> 'runbeat-test'`);

async function start(): Promise<{ database: TestDatabase; server: TestServer }> {
  const database = await startTestDatabase(await createTestHome());
  onTestFinished(() => database.close());
  return { database, server: await startTestServer({ environment: { DATABASE_URL: database.url } }) };
}

const kinds = ['company', 'agent', 'issue', 'comment', 'session'] as const;

async function creationOf(kind: (typeof kinds)[number], server: TestServer): Promise<Creation> {
  const marker = randomUUID();
  const company = `/api/companies/${server.companyId}`;
  const count = (table: string, column: string) => `SELECT count(*)::int AS rows FROM ${table} WHERE ${column} = $1`;
  const local = { adapterType: 'local', adapterConfig: { command: process.execPath, args: [fixture('silent.mjs')] } };
  switch (kind) {
    case 'company':
      return { path: '/api/companies', body: { name: marker }, countRows: count('companies', 'name'), marker };
    case 'agent':
      return { path: `${company}/agents`, body: { name: marker, ...local }, countRows: count('agents', 'name'), marker };
    case 'issue':
      return { path: `${company}/issues`, body: { title: marker }, countRows: count('issues', 'title'), marker };
    case 'comment': {
      const issue = await server.client.issues.create(server.companyId, { title: 'to be commented' });
      const path = `/api/issues/${issue.id}/comments`;
      return { path, body: { body: marker }, countRows: count('issue_comments', 'body'), marker };
    }
    case 'session': {
      const adapterConfig = { ...local.adapterConfig, interactive: { protocol: 'acp' } };
      const agent = await server.client.agents.create(server.companyId, { name: marker, ...local, adapterConfig });
      const countRows = count('interactive_sessions', 'agent_id');
      return { path: `/api/agents/${agent.id}/sessions`, body: { isStarted: false }, countRows, marker: agent.id };
    }
  }
}

async function post(server: TestServer, creation: Creation) {
  const response = await fetch(server.url + creation.path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': creation.marker },
    body: JSON.stringify(creation.body),
  });
  const body = (await response.json()) as { id?: string };
  return { status: response.status, isReplayed: response.headers.get('idempotency-replayed') === 'true', body };
}

describe('a server that is killed while it creates companies, agents, issues, comments and sessions with keys', () => {
  it.each([
    ['and the database commits all the same', false],
    ['and the database rolls back', true],
  ])(
    '%s: the same request at once is answered with the one row',
    async (_title, isRolledBack) => {
      const { database, server } = await start();
      const creations = await Promise.all(kinds.map((kind) => creationOf(kind, server)));
      await slowCompletions(database);
      const lost = creations.map((creation) => post(server, creation).catch((error: unknown) => error));
      await waitUntil(
        async () => (await completing(database)).length === creations.length,
        30_000,
        () => 'the keys to be at the point of completion',
      );
      await server.kill();
      for (const answer of await Promise.all(lost)) expect(answer).toBeInstanceOf(Error);
      if (isRolledBack) {
        for (const { pid } of await completing(database)) await database.query('SELECT pg_terminate_backend($1)', [pid]);
      }
      await setCompletionSeconds(database, 0);
      const again = await server.restart();
      for (const creation of creations) {
        const answer = await post(again, creation);
        expect(answer, creation.path).toMatchObject({ status: 201, isReplayed: !isRolledBack });
        expect(await post(again, creation)).toEqual({ ...answer, isReplayed: true });
        expect(await database.query(creation.countRows, [creation.marker]), creation.path).toEqual([{ rows: 1 }]);
      }
    },
    120_000,
  );
});
