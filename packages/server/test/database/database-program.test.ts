import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startDatabaseProgram } from '../../src/composition/start-database-program.js';
import { readPostmasterPid } from '../../src/embedded-postgres/postmaster-pid.js';
import { isProcessAlive } from '../../src/embedded-postgres/system-process.js';
import { noLogger } from '../../src/supervisor/ports/index.js';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'runbeat-pg-'));
  await chmod(home, 0o711);
});
afterEach(() => rm(home, { recursive: true, force: true }));

const data = (): string => join(home, 'db', 'data');

describe('the database program of a server', () => {
  it('that is stopped while it comes up leaves no process', async () => {
    const program = await startDatabaseProgram({ home }, noLogger);
    expect(await readPostmasterPid(data())).toBeNull();
    const stopped = program.stop();
    const connectionString = await program.connectionString();
    await stopped;
    expect(connectionString).toMatch(/^postgresql:/);
    expect(await readPostmasterPid(data())).toBeNull();
  });

  it('comes up before anybody asks for it', async () => {
    const program = await startDatabaseProgram({ home }, noLogger);
    await expect.poll(async () => (await readPostmasterPid(data()))?.state, { timeout: 50_000 }).toBe('ready');
    const pid = (await readPostmasterPid(data()))?.pid ?? 0;
    expect(await isProcessAlive(pid)).toBe(true);
    await program.stop();
    expect(await isProcessAlive(pid)).toBe(false);
  });

  it('rejects at once where nothing can be started', async () => {
    await mkdir(data(), { recursive: true });
    await writeFile(join(data(), 'PG_VERSION'), '12\n');
    await expect(startDatabaseProgram({ home }, noLogger)).rejects.toMatchObject({ code: 'database_start_failed' });
  });

  it('that ends while it comes up says so to whoever asks for it, and is stopped without a further error', async () => {
    await mkdir(data(), { recursive: true });
    await writeFile(join(data(), 'PG_VERSION'), '18\n');
    const program = await startDatabaseProgram({ home }, noLogger);
    await expect(program.connectionString()).rejects.toMatchObject({
      code: 'database_start_failed',
      message: expect.stringContaining('postgresql.conf'),
    });
    await program.stop();
  });

  it('is the one that is named, untouched', async () => {
    const program = await startDatabaseProgram({ home, databaseUrl: 'postgresql://elsewhere/runbeat' }, noLogger);
    expect(program.isEmbedded).toBe(false);
    expect(await program.connectionString()).toBe('postgresql://elsewhere/runbeat');
    await program.stop();
  });
});
