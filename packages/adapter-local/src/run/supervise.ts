import type { RunResultV1 } from '@runbeat/adapter-sdk';
import { formatSpoolCursor } from '../spool/spool-cursor.js';
import { type TailEnd, tailSpool } from '../spool/tail.js';
import { createEndPhase } from './end-phase.js';
import { defaultSpoolLimitBytes } from './process-spec.js';
import { resultFromFolder } from './run-result.js';
import { createStopper } from './stopper.js';
import type { SupervisedRun } from './supervised-run.js';

/**
 * Follows a run to its end: hands on its output, stops it when the signal says so, and settles when the output is
 * complete and, after a stop, nothing of the run is alive. `host_shutdown` and `fenced` leave everything as it is.
 * Rejects only when a sink does.
 */
export async function superviseRun(run: SupervisedRun): Promise<RunResultV1> {
  const { spec, folder, sinks } = run;
  const limitBytes = spec.spoolLimitBytes ?? defaultSpoolLimitBytes;
  const stopper = createStopper(run);
  const phase = createEndPhase(run);
  try {
    if (run.capsuleExited === undefined) await phase.checkLife();
    const tail = tailSpool({
      spool: run.spool,
      onLog: (stream, text, mark) => sinks.onLog(stream, text, mark),
      wake: run.wake,
      hasEnded: () => phase.hasEnded(),
      async onLook({ largestBytes, isQuiet }) {
        if (largestBytes > limitBytes) stopper.endFlood();
        if (isQuiet) await phase.checkLife();
      },
      detach: stopper.detach,
    });
    const ended = await Promise.race([tail, stopper.detached]);
    if (ended === 'detached' || !ended.isComplete || phase.end === null) {
      // `onLog` may still be at work on the last text; what becomes of it is the next host's to find out.
      tail.catch(() => {});
      return { status: 'detached' };
    }
    await stopper.settled();
    await tellOfLeftovers(run, ended, phase.leftovers);
    return await resultFromFolder(folder, phase.end, spec, stopper.record);
  } finally {
    stopper.close();
    phase.close();
    run.wake.close();
  }
}

async function tellOfLeftovers(run: SupervisedRun, tail: TailEnd, leftovers: readonly number[]): Promise<void> {
  if (leftovers.length === 0) return;
  const pids = leftovers.join(', ');
  const message = `The command ended while processes of its group (pid ${pids}) went on; they were ended after their output was drained.`;
  await run.sinks.onLog('system', `${message}\n`, { cursor: formatSpoolCursor(tail.cursor) });
  await run.sinks.onEvent({ type: 'local.leftover_processes', level: 'warn', message, data: { pids: [...leftovers] } });
}
