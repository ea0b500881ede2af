import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRunnerProcess, type RunnerProcess } from './harness/runner-process.js';
import { createServeProcess, isOver, type ServeProcess } from './harness/serve-process.js';

/** `npm run soak:runners -- --runs 500` sets it; in the suite a short version runs. */
const wanted = Number(process.env['RUNBEAT_SOAK_RUNS'] ?? 20);
const printsLines = fileURLToPath(new URL('./programs/prints-lines.mjs', import.meta.url));

let folder: string;
let server: ServeProcess;
let runners: RunnerProcess[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'runbeat-soak-'));
  server = await createServeProcess(join(folder, 'server'));
  await server.start();
  runners = Array.from({ length: 4 }, (_, n) =>
    createRunnerProcess({
      serverUrl: server.url,
      home: join(folder, `runner-${n}`),
      runsDirectory: join(folder, `runs-${n}`),
      slots: 4,
      settings: { requestGraceMs: 1_000 },
    }),
  );
  await Promise.all(runners.map((runner) => runner.start()));
});
afterAll(async () => {
  await Promise.all((runners ?? []).map((runner) => runner.end('SIGKILL')));
  await server?.end('SIGTERM');
  await rm(folder, { recursive: true, force: true });
});

test(
  `${wanted} runs over 4 runners with random kills of server and runners: none lost, none doubled, every log whole`,
  async () => {
    let isOverNow = false;
    const kills = { server: 0, runner: 0 };
    const chaos = (async () => {
      while (!isOverNow) {
        await pause(1_500 + Math.random() * 2_500);
        if (isOverNow) return;
        if (Math.random() < 0.3) {
          await server.end('SIGKILL');
          await server.start();
          kills.server += 1;
        } else {
          const runner = runners[Math.floor(Math.random() * runners.length)];
          await runner?.end('SIGKILL');
          await pause(Math.random() * 1_000);
          await runner?.start();
          kills.runner += 1;
        }
      }
    })();

    const started: { id: string; lines: number; marks: string }[] = [];
    try {
      for (let n = 0; n < wanted; n += 1) {
        const lines = 5 + Math.floor(Math.random() * 120);
        const marks = join(folder, `marks-${n}`);
        const id = await persistently(() =>
          server.startRun(process.execPath, [printsLines, marks, String(lines), '15'], 'test', `soak-${n}`),
        );
        started.push({ id, lines, marks });
        // Not all at once: work should begin in every phase of the chaos.
        if (n % 16 === 15) await server.whenRun(started[n - 8]?.id ?? '', isOver, 300_000);
      }
      for (const { id, lines, marks } of started) {
        const { status, errorCode, error } = await server.whenRun(id, isOver, 300_000);
        expect({ id, status, errorCode, error }).toEqual({ id, status: 'succeeded', errorCode: null, error: null });
        expect(await persistently(() => server.stdout(id))).toBe(
          Array.from({ length: lines }, (_, n) => `line ${n} äöü\n`).join(''),
        );
        expect((await readFile(marks, 'utf8')).trim().split('\n')).toHaveLength(1);
      }
    } finally {
      isOverNow = true;
      await chaos;
    }
    expect(new Set(started.map((run) => run.id)).size).toBe(wanted);
    console.log(`${wanted} runs, ${kills.server} kills of the server, ${kills.runner} of runners`);
  },
  120_000 + wanted * 5_000,
);

/** The server may be dead at any moment. */
async function persistently<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt > 300) throw error;
      await pause(200);
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
