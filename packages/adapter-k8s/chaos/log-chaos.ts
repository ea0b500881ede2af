import {
  createSeededRandom,
  createSimulator,
  type FaultSchedule,
  NO_FAULTS,
  type SeededRandom,
  type Simulator,
  seededFaults,
} from '../simulator/index.js';
import { encodeFrame } from '../src/logs/frames.js';
import { openRunLog } from '../src/run/run-log.js';
import type { Timings } from '../src/timings.js';
import { judge, type Verdict, type Written } from './oracle.js';
import { createConnectedScope } from './scope-for-chaos.js';
import { createScriptedPod } from './scripted-pod.js';

/** One run of the log path: what a container writes, against what the adapter delivers, under faults from a seed. */
export interface ChaosRun {
  readonly seed: number;
  readonly mode: 'plain' | 'framed';
  readonly verdict: Verdict;
  readonly attaches: number;
}

/** Waits are a thousandth of the real ones, so that a run with dozens of faults takes a fraction of a second. */
const chaosTimings: Partial<Timings> = {
  callMs: 300,
  streamHeaderMs: 120,
  plainLogIdleMs: 60,
  framedLogIdleMs: 60,
  backoffMinMs: 1,
  backoffMaxMs: 8,
  followEndMs: 60,
  drainPauseMs: 1,
  drainLimitMs: 20_000,
  searchMs: 40,
  replayMs: 500,
};

export interface ChaosBench {
  run(seed: number, mode: 'plain' | 'framed'): Promise<ChaosRun>;
  close(): Promise<void>;
}

/** One simulator for many runs, one at a time: the schedule of a run is its own, so that a seed replays alone. */
export async function createChaosBench(): Promise<ChaosBench> {
  const simulator = await createSimulator({ pace: { followEndAfterExit: 2 }, logRotateCheckMs: 0, logRotateBytes: 1 });
  const connected = createConnectedScope(simulator, chaosTimings);
  return {
    run: (seed, mode) => runOnce(simulator, connected, seed, mode),
    close: () => simulator.close(),
  };
}

async function runOnce(
  simulator: Simulator,
  connected: ReturnType<typeof createConnectedScope>,
  seed: number,
  mode: 'plain' | 'framed',
): Promise<ChaosRun> {
  const random = createSeededRandom(seed);
  const rotates = random.chance(0.4);
  const pod = createScriptedPod(simulator, `chaos-${mode}-${seed}`, rotates ? random.between(3000, 60_000) : 2 ** 30);
  const written: Written[] = [];
  const delivered: { text: string; stream: string; cursor: string | null }[] = [];
  const scope = await connected;
  simulator.network.schedule = scheduleFrom(random);
  simulator.logFaults.inBandError = random.chance(0.2)
    ? {
        text: 'failed to watch file "/var/log/pods/0.log": no space left on device',
        times: random.between(1, 3),
        afterBytes: random.between(0, 4000),
      }
    : null;
  simulator.logFaults.followLimitMs = random.chance(0.3) ? random.between(5, 60) : 3_600_000;
  simulator.logFaults.frozenWaitMs = 5;

  let cursor: string | null = null;
  let attaches = 0;
  const attach = (): ReturnType<typeof openRunLog> => {
    attaches += 1;
    return openRunLog({
      scope,
      pod: pod.wirePod,
      mode,
      nodePath: 'node',
      cursor,
      sinks: {
        async onLog(stream, text, mark = {}) {
          delivered.push({ text, stream, cursor: mark.cursor ?? null });
          if (process.env['DBG']) console.log(stream, JSON.stringify(text.slice(0, 70)), text.length, mark.cursor?.slice(0, 400));
          cursor = mark.cursor ?? cursor;
          if (stalls && random.chance(0.02)) await simulator.cluster.delay(random.between(1, 15));
        },
        async onAlive() {},
        async onEvent() {},
      },
      onEnd: () => {},
    });
  };
  const stalls = random.chance(0.3);
  let log = attach();
  const steps = random.between(5, 40);
  let seq = 0;
  for (let step = 0; step < steps; step += 1) {
    for (const piece of nextOutput(random, mode)) {
      if (mode === 'plain') {
        written.push({ text: piece, seq: 0 });
        pod.write(Buffer.from(piece, 'latin1'));
      } else {
        seq += 1;
        written.push({ text: piece, seq });
        pod.write(Buffer.from(encodeFrame({ seq, kind: 'o', payload: Buffer.from(piece, 'latin1') })));
      }
    }
    // The node looks at sizes every 10 s: never before the log was read for the first time. A plain log whose reader lags behind a
    // rotation is lost in the node without a trace (test/golden/07e); frames are there for that, so they have to bear it.
    if (delivered.length > 0 && (mode === 'framed' || pod.isFollowedClosely)) pod.rotateWhenLarge();
    await disturb(random, simulator);
    if (random.chance(0.6)) await simulator.cluster.delay(random.between(0, 6));
    if (random.chance(0.05)) {
      // The server is killed: nothing but the last stored cursor survives.
      await log.close();
      log = attach();
    }
  }
  if (mode === 'framed') {
    seq += 1;
    pod.write(
      Buffer.from(encodeFrame({ seq, kind: 'x', payload: Buffer.from(JSON.stringify({ rb: 1, code: 0, signal: null, seq })) })),
    );
  }
  pod.end();
  simulator.kubelet.thaw();
  log.follower.containerEnded(mode === 'framed' ? JSON.stringify({ rb: 1, code: 0, signal: null, seq }) : '');
  // The faults go on while the end is read, and stop only then: nothing may hang on them for ever.
  const calm = setTimeout(() => {
    simulator.network.schedule = NO_FAULTS;
    simulator.network.breakAll('reset');
  }, 250);
  const end = await log.follower.done;
  clearTimeout(calm);
  await log.close();
  simulator.network.schedule = NO_FAULTS;
  simulator.logFaults.inBandError = null;
  pod.remove();
  return { seed, mode, verdict: judge({ written, delivered, mode, end, rotates }), attaches };
}

function scheduleFrom(random: SeededRandom): FaultSchedule {
  return seededFaults(random, { rate: 0.35, maxBytes: 20_000, holeMs: 300 });
}

async function disturb(random: SeededRandom, simulator: Simulator): Promise<void> {
  const dice = random.next();
  if (dice < 0.04) simulator.network.breakAll(random.pick(['reset', 'fin']));
  else if (dice < 0.06) simulator.network.breakAll('black-hole');
  else if (dice < 0.09) simulator.kubelet.restart({ notFoundMs: random.between(1, 20) });
  else if (dice < 0.11) simulator.clock.step(random.between(-5000, 1000));
  else if (dice < 0.14) simulator.clock.holdFor(random.between(2, 60));
  else if (dice < 0.16) {
    simulator.network.setReachable(random.pick(['refuse', 'hang']));
    await simulator.cluster.delay(random.between(1, 30));
    simulator.network.setReachable('reachable');
    simulator.network.breakAll('reset');
  } else if (dice < 0.19) {
    simulator.injectAnswer({
      matches: (method, url) => method === 'GET' && url.includes('/log?'),
      times: random.between(1, 3),
      status: random.pick([401, 429, 500, 503]),
      body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'injected', code: 500 },
    });
  }
}

/** Latin-1 text: one character is one byte. Lines of all lengths, equal ones, odd bytes, and fragments without a newline. */
function nextOutput(random: SeededRandom, mode: 'plain' | 'framed'): string[] {
  const line = (): string => {
    const dice = random.next();
    if (dice < 0.15) return '\n';
    if (dice < 0.3) return 'same line\n';
    if (dice < 0.34) return `${'L'.repeat(random.between(16_380, 16_390))}\n`;
    if (dice < 0.36 && mode === 'plain') return `${'M'.repeat(random.between(20_000, 70_000))}\n`;
    if (dice < 0.42) return `nul\u0000 cr\r ${random.between(0, 99)}\n`;
    if (dice < 0.47) return `2026-11-22T01:10:44.702607509Z looks like a timestamp ${random.between(0, 9)}\n`;
    return `line ${random.between(0, 1_000_000)} ${'x'.repeat(random.between(0, 200))}\n`;
  };
  const pieces = Array.from({ length: random.between(1, 25) }, line);
  if (random.chance(0.2)) pieces.push(`fragment ${random.between(0, 99)} `);
  return pieces.map((piece) => (mode === 'framed' ? piece.slice(0, 8192) : piece));
}
