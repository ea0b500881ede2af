// What it costs to run an adapter in a worker thread instead of in the host: log throughput and the start of a run.
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadAdapter } from '@runbeat/adapter-host';

const modulePath = fileURLToPath(new URL('./adapter-host/log-adapter.mjs', import.meta.url));
const MEBIBYTE = 1024 * 1024;
const ROUNDS = 5;

export default { title: 'worker isolation against in-process', run };

async function run({ scale }) {
  const folder = await mkdtemp(join(tmpdir(), 'runbeat-bench-'));
  const load = (isolation) => loadAdapter({ source: { kind: 'module', specifierOrPath: modulePath }, isolation });
  const [inProcess, worker] = [await load('in-process'), await load('worker')];
  try {
    const figures = [];
    for (const { what, mebibytes, goal, ...task } of [
      { what: "a program's output through a pipe", mebibytes: 192, length: null, goal: 0.7 },
      // The adapter does nothing but hand on: what the border itself costs. An in-process `onLog` copies nothing.
      { what: 'ready-made 64 KiB texts', mebibytes: 128, length: 65_536, goal: null },
      { what: 'ready-made 4 KiB texts', mebibytes: 64, length: 4_096, goal: null },
      { what: 'ready-made 100-byte lines', mebibytes: 32, length: 100, goal: null },
    ]) {
      const bytes = Math.ceil(mebibytes * MEBIBYTE * scale);
      // The best round: whatever else the machine does makes a round slower, never faster.
      const rates = await interleaved(
        (values) => Math.max(...values),
        () => throughput(inProcess, { ...task, bytes, folder }),
        () => throughput(worker, { ...task, bytes, folder }),
      );
      const ratio = rates.worker / rates.inProcess;
      figures.push({
        id: 'worker-log',
        what: `log throughput of a worker into a file, ${what}`,
        value: rates.worker,
        unit: 'MiB/s',
        baseline: rates.inProcess,
        ratio,
        goal: goal === null ? '–' : `≥ ${goal}`,
        isMet: goal === null ? null : ratio >= goal,
      });
    }
    const rounds = Math.max(20, Math.round(200 * scale));
    const starts = await interleaved(
      median,
      () => startMs(inProcess, rounds),
      () => startMs(worker, rounds),
    );
    const more = starts.worker - starts.inProcess;
    figures.push({
      id: 'worker-start',
      what: `execute to onSpawn in a worker, median of ${rounds}; ${more.toFixed(3)} ms more`,
      value: starts.worker,
      unit: 'ms',
      baseline: starts.inProcess,
      ratio: null,
      goal: '≤ 5 ms more',
      isMet: more <= 5,
    });
    return figures;
  } finally {
    await Promise.all([inProcess.close(), worker.close()]);
    await rm(folder, { recursive: true });
  }
}

/** Both in turns, so that a slow moment of the machine hits both; `pick` makes one figure of each's. */
async function interleaved(pick, measureInProcess, measureWorker) {
  const figures = { inProcess: [], worker: [] };
  await measureInProcess();
  await measureWorker();
  for (let round = 0; round < ROUNDS; round += 1) {
    figures.inProcess.push(await measureInProcess());
    figures.worker.push(await measureWorker());
  }
  return { inProcess: pick(figures.inProcess), worker: pick(figures.worker) };
}

/** MiB a second until all text is in a file; the sink gathers 64 KiB a write, as a log store does. */
async function throughput(loaded, { length, bytes, folder }) {
  const file = await open(join(folder, 'log'), 'w');
  let gathered = [];
  let gatheredLength = 0;
  const write = async () => {
    const text = gathered.join('');
    gathered = [];
    gatheredLength = 0;
    await file.write(text);
  };
  const config = length === null ? { bytes } : { pieces: Math.ceil(bytes / length), text: `${'x'.repeat(length - 1)}\n` };
  const started = performance.now();
  await loaded.adapter.execute(
    contextFor(config, {
      onLog: async (_stream, piece) => {
        gathered.push(piece);
        gatheredLength += piece.length;
        if (gatheredLength >= 65_536) await write();
      },
    }),
  );
  await write();
  const seconds = (performance.now() - started) / 1000;
  const { size } = await file.stat();
  await file.close();
  const expected = length === null ? bytes : length * config.pieces;
  if (size !== expected) throw new RangeError(`${size} bytes arrived of ${expected}`);
  return size / MEBIBYTE / seconds;
}

async function startMs(loaded, rounds) {
  const times = [];
  for (let round = 0; round < rounds; round += 1) {
    const started = performance.now();
    await loaded.adapter.execute(
      contextFor({ pieces: 0, text: '' }, { onSpawn: async () => times.push(performance.now() - started) }),
    );
  }
  return median(times);
}

function contextFor(config, sinks) {
  return {
    runId: 'bench',
    attempt: 1,
    config,
    agent: { id: 'a', companyId: 'c', name: 'bench', role: 'engineer' },
    input: { prompt: null, reason: null, source: 'on_demand', payload: null, issue: null, taskKey: null },
    previousSession: null,
    environment: {},
    signal: new AbortController().signal,
    onSpawn: async () => {},
    onLog: async () => {},
    onAlive: async () => {},
    onEvent: async () => {},
    ...sinks,
  };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
