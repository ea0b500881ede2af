import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestServer, type TestServer } from './support/test-server.js';
import { until } from './support/until.js';

const secret = 'kq7-very-secret-value-19f3';
let server: TestServer;
beforeAll(async () => {
  server = await createTestServer({ environment: { RUNBEAT_SECRET_API_TOKEN: secret, RUNBEAT_SECRET_BAD: secret } });
});
afterAll(async () => {
  await server.close();
});

async function createAgent(adapterConfig: object) {
  return server.call('POST', `/api/companies/${server.company.id}/agents`, {
    body: { name: 'a', adapterType: 'told', adapterConfig },
  });
}

async function runToEnd(agentId: string): Promise<string> {
  const woken = await server.call('POST', `/api/agents/${agentId}/wakeup`, { body: {} });
  const runId = woken.body.run.id as string;
  await until('the run to end', async () => (await server.call('GET', `/api/heartbeat-runs/${runId}`)).body.finishedAt !== null);
  return runId;
}

/** Every row of every table, as text. */
async function databaseDump(): Promise<string> {
  const { rows } = await server.database.pool.query<{ name: string }>(
    `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`,
  );
  const tables = await Promise.all(
    rows.map(async ({ name }) => JSON.stringify((await server.database.pool.query(`SELECT * FROM "${name}"`)).rows)),
  );
  return tables.join('\n');
}

async function filesBelow(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')),
  );
  return texts.join('\n');
}

describe('a secret of an agent config', () => {
  it('reaches the run, and no log, event, error, answer, database row, file or process title', async () => {
    const agent = await createAgent({ env: { TOKEN: { $secret: 'API_TOKEN' } }, printEnv: true });
    expect(agent.status).toBe(201);
    const answers: string[] = [agent.text];
    const runId = await runToEnd(agent.body.id);
    // It did get there, in two pieces at that.
    expect(server.told.configOf(runId)).toMatchObject({ env: { TOKEN: secret } });
    const token = server.told.environmentOf(runId)?.['RUNBEAT_RUN_TOKEN'] ?? '';
    expect(token.length).toBeGreaterThan(20);
    for (const path of ['', '/log', '/log?format=text', '/events', '/why'])
      answers.push((await server.call('GET', `/api/heartbeat-runs/${runId}${path}`)).text);
    expect(answers[3]).toContain('value *** end');
    // Work that quotes it in its outcome, and an adapter that does so in its own error.
    for (const ending of ['failure', 'rejection']) {
      const failing = await createAgent({ env: { TOKEN: { $secret: 'API_TOKEN' } }, ending });
      const failed = await runToEnd(failing.body.id);
      const run = await server.call('GET', `/api/heartbeat-runs/${failed}`);
      expect(run.body.error).toContain('refused ***');
      answers.push(run.text, (await server.call('GET', `/api/heartbeat-runs/${failed}/events`)).text);
    }
    // A schema that quotes what it refuses.
    answers.push((await createAgent({ env: { TOKEN: { $secret: 'BAD' } }, lines: { $secret: 'BAD' } })).text);
    answers.push((await server.call('GET', '/metrics')).text);
    const places = {
      answers: answers.join('\n'),
      'server log': server.log.text(),
      database: await databaseDump(),
      files: await filesBelow(server.home),
      processes: (await promisify(execFile)('ps', ['-eo', 'args'], { maxBuffer: 32 * 1_048_576 })).stdout,
    };
    for (const [place, text] of Object.entries(places)) {
      expect([place, text.length > 0]).toEqual([place, true]);
      expect([place, text.includes(secret)]).toEqual([place, false]);
      expect([place, text.includes(token)]).toEqual([place, false]);
    }
  });

  it('that is nowhere fails the run with its name and where it was looked for', async () => {
    const agent = await createAgent({ env: { TOKEN: { $secret: 'NOWHERE' } } });
    const runId = await runToEnd(agent.body.id);
    const run = (await server.call('GET', `/api/heartbeat-runs/${runId}`)).body;
    expect(run).toMatchObject({ status: 'failed', errorCode: 'secret_missing' });
    expect(run.error).toContain('NOWHERE');
    expect(run.error).toContain('RUNBEAT_SECRET_NOWHERE');
  });
});
