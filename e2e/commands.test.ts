import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive, processesWith, waitUntil } from './harness/processes.js';
import { runCommand, startCommand } from './harness/run-command.js';
import { createTestHome, fixture, shareTestServer, startTestServer, untilEnded } from './harness/test-server.js';

const node = process.execPath;

const shared = shareTestServer();

describe('runbeat run', () => {
  it('works with no server running: streams stdout and stderr apart and passes the exit code on', async () => {
    const home = await createTestHome();
    const result = await runCommand(['run', '--', node, '-e', 'console.log("out"); console.error("err"); process.exitCode = 7'], {
      home,
    });
    expect(result).toEqual({ code: 7, stdout: 'out\n', stderr: 'err\n' });
    expect(existsSync(join(home, 'server.json'))).toBe(false);
  });

  it('uses the server that the home folder names, and gives it its standard input as the prompt', async () => {
    const server = shared();
    const before = (await server.client.runs.list(server.companyId)).items;
    const result = await runCommand(['run', '--stdin', '--', 'cat'], { home: server.home, input: 'from stdin\n' });
    expect(result).toMatchObject({ code: 0, stdout: 'from stdin\n' });
    expect((await server.client.runs.list(server.companyId)).items).toHaveLength(before.length + 1);
  });

  it('gives 128 + n for a signal and 124 for a time-out', async () => {
    const server = shared();
    const killed = await runCommand(['run', '--', 'sh', '-c', 'kill -9 $$'], { home: server.home });
    expect(killed.code).toBe(137);
    const late = await runCommand(['run', '--timeout', '1', '--', 'sleep', '60'], { home: server.home });
    expect(late.code).toBe(124);
    expect(late.stderr).toContain('timed_out');
  });

  it('cancels the whole tree on Ctrl-C and waits for it', async () => {
    const home = await createTestHome();
    const cookie = `COOKIE=${home}`;
    const command = startCommand(['run', '--env', cookie, '--', node, fixture('ignores-sigterm.mjs')], {
      home,
      environment: { RUNBEAT_TERMINATE_GRACE_MS: '500' },
    });
    await waitUntil(
      () => command.stdout().includes('ready') && processesWith(cookie).length >= 3,
      60_000,
      () => `the tree; ${command.stderr()}`,
    );
    command.child.kill('SIGINT');
    expect((await command.ended).code).toBe(130);
    expect(processesWith(cookie)).toEqual([]);
  });

  it('is left running by a second Ctrl-C, when a server is there', async () => {
    const server = await startTestServer();
    const command = startCommand(['run', '--', node, fixture('ignores-sigterm.mjs')], { home: server.home });
    await waitUntil(
      () => command.stdout().includes('ready'),
      30_000,
      () => command.stderr(),
    );
    command.child.kill('SIGINT');
    await waitUntil(
      () => command.stderr().includes('Cancelling'),
      30_000,
      () => command.stderr(),
    );
    command.child.kill('SIGINT');
    expect((await command.ended).code).toBe(130);
    const [run] = (await server.client.runs.list(server.companyId)).items;
    expect(await untilEnded(server.client, run?.id ?? '')).toMatchObject({ status: 'cancelled' });
  });

  it('prints the id of a detached run, which the other commands take', async () => {
    const server = shared();
    const { home } = server;
    const detached = await runCommand(['run', '--detach', '--', 'sh', '-c', 'echo one; echo two >&2; exit 3'], { home });
    const id = detached.stdout.trim();
    await untilEnded(server.client, id);
    expect(await runCommand(['runs', 'logs', id], { home })).toEqual({ code: 0, stdout: 'one\n', stderr: 'two\n' });
    expect((await runCommand(['runs', 'list'], { home })).stdout).toMatch(new RegExp(`${id}\\s+failed`));
    expect(JSON.parse((await runCommand(['runs', 'show', id, '--json'], { home })).stdout)).toMatchObject({ id, exitCode: 3 });
    const shown = (await runCommand(['runs', 'show', id], { home })).stdout;
    for (const field of [
      /exitCode +3\n/,
      /logBytes +8 \(8B\)\n/,
      /durationMs +\d+ \(.+s\)\n/,
      /firstOutputAt +\d{4}-.*\n/,
      /lastOutputAt +\d{4}-.*\n/,
    ]) {
      expect(shown).toMatch(field);
    }
    const run = await server.client.runs.get(id);
    const at = (time: string | null): number => Date.parse(time ?? '');
    expect(at(run.lastOutputAt)).toBeGreaterThanOrEqual(at(run.startedAt));
    expect(at(run.lastOutputAt)).toBeLessThanOrEqual(at(run.finishedAt));
    expect(run.durationMs).toBe(at(run.finishedAt) - at(run.startedAt));
    expect((await runCommand(['runs', 'why', id], { home })).stdout).toContain('exit code 3');
    expect((await runCommand(['runs', 'cancel', id], { home })).stdout).toContain('failed');
    const retried = await runCommand(['runs', 'retry', id, '--json'], { home });
    expect(JSON.parse(retried.stdout)).toMatchObject({ outcome: 'queued', run: { retryOfRunId: id } });
  });

  it('needs a server to detach from, and says so', async () => {
    const result = await runCommand(['run', '--detach', '--', 'true'], { home: await createTestHome() });
    expect(result.code).toBe(3);
    expect(result.stderr).toContain('[server_not_running]');
  });
});

describe('bad input', () => {
  it('is answered with a code, the field and a remedy, and leaves no row behind', async () => {
    const { client, url, home } = shared();
    const { id: companyId } = await client.companies.create({ name: 'of bad input' });
    const create = (body: object) =>
      client.agents.create(companyId, { name: 'bad', adapterType: 'local', ...body }).then(
        () => null,
        (error: { code: string; status: number; errors: { field: string; message: string }[]; remedy: string | null }) => ({
          code: error.code,
          status: error.status,
          fields: error.errors.map(({ field, message }) => `${field} ${message}`),
          remedy: error.remedy,
        }),
      );
    const unknownAdapter = await create({ adapterType: 'nobody' });
    expect(unknownAdapter).toMatchObject({ code: 'adapter_missing', status: 422 });
    const wrongConfig = await create({ adapterConfig: { command: '', args: 'no list', nobody: 1, graceMs: -1 } });
    expect(wrongConfig?.status).toBeGreaterThanOrEqual(400);
    expect(wrongConfig?.status).toBeLessThan(500);
    for (const name of ['command', 'args', 'graceMs']) expect(wrongConfig?.fields.join(' ')).toContain(name);
    expect(JSON.stringify(wrongConfig)).toContain('nobody');
    expect((await client.agents.list(companyId)).items).toEqual([]);

    const post = async (path: string, body: string) => {
      const answer = await fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
      return { status: answer.status, problem: (await answer.json()) as { code: string; remedy: string } };
    };
    expect(await post(`/api/companies/${companyId}/agents`, '{"name":')).toMatchObject({
      status: 400,
      problem: { code: 'body_malformed' },
    });
    expect(await post(`/api/companies/${companyId}/agents`, JSON.stringify({ name: 'x'.repeat(2_000_000) }))).toMatchObject({
      status: 413,
      problem: { code: 'body_too_large' },
    });
    expect(await post('/api/agents/00000000-0000-7000-8000-000000000000/wakeup', '{}')).toMatchObject({ status: 404 });
    expect(await post('/api/agents/not-an-id/wakeup', '{}')).toMatchObject({ status: 400, problem: { code: 'request_invalid' } });
    expect((await client.agents.list(companyId)).items).toEqual([]);

    const missing = await runCommand(['run', '--', 'no-such-command-anywhere'], { home });
    expect(missing.code).toBe(125);
    expect(missing.stderr).toContain('[start_failed]');
    const noFolder = await runCommand(['run', '--cwd', '/no/such/folder', '--', 'true'], { home });
    expect(noFolder.code).toBe(125);
    expect(noFolder.stderr).toContain('/no/such/folder');
    expect((await runCommand(['run', '--adapter', 'nobody', '--', 'true'], { home })).stderr).toContain('[adapter_missing]');
    expect((await runCommand(['run', '--timeout', 'soon', '--', 'true'], { home })).code).toBe(2);
    expect((await runCommand(['runs', 'show', '00000000-0000-7000-8000-000000000000'], { home })).stderr).toContain(
      '[run_not_found]',
    );
    expect((await runCommand(['nonsense'], { home })).code).toBe(2);
  });

  it('W6 takes the same idempotency key twice, also at once, as one wakeup with one answer', async () => {
    const server = shared();
    const agentId = await server.agent('silent.mjs', ['60000']);
    const idempotencyKey = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.client.agents.wakeup(agentId, { source: 'on_demand', idempotencyKey })),
    );
    expect(new Set(answers.map((answer) => answer.run?.id)).size).toBe(1);
    expect(new Set(answers.map((answer) => answer.wakeupRequest.id)).size).toBe(1);
    const runs = (await server.client.runs.list(server.companyId)).items;
    expect(runs.filter((run) => run.agentId === agentId)).toHaveLength(1);
    const [run] = answers;
    await server.client.runs.cancel(run?.run?.id ?? '');
    await untilEnded(server.client, run?.run?.id ?? '');
  });

  it('keeps a prompt of 1 MiB whole', async () => {
    const server = shared();
    const agent = await server.client.agents.create(server.companyId, {
      name: 'reader',
      adapterType: 'local',
      adapterConfig: { command: 'wc', args: ['-c'], stdin: '{{prompt}}' },
    });
    const run = await server.wake(agent.id, { source: 'on_demand', prompt: 'y'.repeat(1_048_576) });
    await untilEnded(server.client, run.id);
    expect(
      (await server.client.runs.log(run.id)).records
        .map((record) => record.text)
        .join('')
        .trim(),
    ).toBe('1048576');
  });
});

describe('operating a server', () => {
  it('shows settings with where they come from, and refuses wrong ones by name', async () => {
    const home = await createTestHome();
    const config = JSON.parse((await runCommand(['config', '--json'], { home, environment: { RUNBEAT_PORT: '4567' } })).stdout);
    expect(config.settings).toContainEqual(
      expect.objectContaining({ path: 'port', value: 4567, origin: 'environment', variable: 'RUNBEAT_PORT' }),
    );
    const wrong = await runCommand(['config'], { home, environment: { RUNBEAT_PORT: 'many', RUNBEAT_LOG_FLUSH_MS: '-1' } });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain('port (environment)');
    expect(wrong.stderr).toContain('logFlushMs');
  });

  it('refuses an address other than loopback in mode local', async () => {
    const result = await runCommand(['serve', '--host', '0.0.0.0', '--port', '0'], { home: await createTestHome() });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('token');
  });

  it('makes the first operator key without one, and serves nobody without a key in mode token', async () => {
    const server = await startTestServer({ args: ['--mode', 'token'] });
    const { url, home } = server;
    expect((await fetch(`${url}/api/companies`)).status).toBe(401);
    const key = (await runCommand(['keys', 'create', 'ops'], { home })).stdout.trim();
    expect(key).toMatch(/^rb_/);
    const withKey = await fetch(`${url}/api/companies`, { headers: { authorization: `Bearer ${key}` } });
    expect(withKey.status).toBe(200);
    const listed = await runCommand(['keys', 'list', '--json'], { home });
    expect(listed.stdout).not.toContain(key);
    const [{ id }] = JSON.parse(listed.stdout).items;
    await runCommand(['keys', 'revoke', id], { home });
    expect((await fetch(`${url}/api/companies`, { headers: { authorization: `Bearer ${key}` } })).status).toBe(401);
  });

  it('finds what a server needs, and names what is missing', async () => {
    const home = await createTestHome();
    const healthy = await runCommand(['doctor', '--json'], { home, environment: { RUNBEAT_PORT: '0' } });
    expect(healthy.code).toBe(0);
    const checks = JSON.parse(healthy.stdout).findings.map(({ check }: { check: string }) => check);
    for (const check of ['node', 'home', 'database', 'adapter local']) expect(checks).toContain(check);
    const file = join(await createTestHome(), 'not-a-folder');
    await mkdir(join(file, '..'), { recursive: true });
    const { writeFile } = await import('node:fs/promises');
    await writeFile(file, '');
    const sick = await runCommand(['doctor'], { home: file });
    expect(sick.code).toBe(1);
    expect(sick.stdout).toContain('RUNBEAT_HOME');
  });

  it('keeps its secrets for its own user', async () => {
    const server = await startTestServer();
    const { mode } = await import('node:fs/promises').then(({ stat }) => stat(join(server.home, 'server.json')));
    expect(mode & 0o077).toBe(0);
    expect(JSON.parse(await readFile(join(server.home, 'server.json'), 'utf8'))).toMatchObject({
      url: server.url,
      pid: server.pid,
    });
    await server.terminate();
    expect(existsSync(join(server.home, 'server.json'))).toBe(false);
    expect(isAlive(server.pid)).toBe(false);
    await chmod(server.home, 0o700);
  });

  it('prints completion scripts that the shells accept', async () => {
    const home = await createTestHome();
    const bash = await runCommand(['completion', 'bash'], { home });
    const { spawnSync } = await import('node:child_process');
    const tried = spawnSync(
      'bash',
      ['-c', `${bash.stdout}\nCOMP_WORDS=(runbeat runs ""); COMP_CWORD=2; _runbeat; printf '%s ' "\${COMPREPLY[@]}"`],
      { encoding: 'utf8' },
    );
    expect(tried.stdout).toContain('logs');
    expect((await runCommand(['completion', 'tcsh'], { home })).code).toBe(2);
  });
});
