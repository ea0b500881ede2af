import { describe, expect, it, onTestFinished } from 'vitest';
import { createSimulator, type Job } from '../../packages/adapter-k8s/simulator/index.js';
import { waitUntil } from '../harness/processes.js';
import { startTestDatabase } from '../harness/test-database.js';
import { createTestHome, startTestServer, type TestServer } from '../harness/test-server.js';

async function startJobOf(server: TestServer, kubeconfig: string): Promise<string> {
  const agent = await server.client.agents.create(server.companyId, {
    name: 'in the cluster',
    adapterType: 'k8s',
    adapterConfig: { image: 'node:20', kubeconfig, resources: { requests: { cpu: '50m' } }, command: ['node', '-e', '0'] },
  });
  return (await server.wake(agent.id)).id;
}

describe('the Jobs of a server', () => {
  it('name the installation: the same for all servers of one database, and another one for another', async () => {
    const simulator = await createSimulator();
    onTestFinished(() => simulator.close());
    const database = await startTestDatabase(await createTestHome());
    onTestFinished(() => database.close());
    const shared = { environment: { DATABASE_URL: database.url, RUNBEAT_LOG_STORE: JSON.stringify({ kind: 'postgres' }) } };
    const servers = await Promise.all([startTestServer(shared), startTestServer(shared), startTestServer()]);
    const runs = await Promise.all(servers.map((server) => startJobOf(server, simulator.kubeconfigPath)));
    const jobOf = (runId: string): Job | undefined =>
      simulator.jobs().find((job) => job.metadata.labels?.['runbeat.dev/run-id'] === runId);
    await waitUntil(
      () => runs.every(jobOf),
      60_000,
      () => 'the Jobs of all three servers',
    );
    const labels = runs.map((runId) => jobOf(runId)?.metadata.labels?.['runbeat.dev/installation']);
    const [row] = await database.query<{ id: string }>('SELECT id FROM installation');
    expect(labels.slice(0, 2)).toEqual([row?.id, row?.id]);
    expect(labels[2]).toMatch(/^[0-9a-f-]{36}$/);
    expect(labels[2]).not.toBe(row?.id);
  }, 120_000);
});
