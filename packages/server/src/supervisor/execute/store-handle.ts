import { handleLimitBytes, type RunHandleV1 } from '@runbeat/adapter-sdk';
import { retryWhileUnavailable } from '../loops/retry-while-unavailable.js';
import { type Run, type RunPatch, SupervisorError } from '../model/index.js';
import { runLiveData } from '../settle/run-live-event.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { inUnitOfWork } from '../transaction/unit-of-work.js';

/**
 * Stores where the work can be found, before any of its output: from here on a restarted server can find it. Rejects
 * with `run_fenced` when the run is not ours any more; the adapter then stops what it just started.
 */
export async function storeHandle(
  dependencies: SupervisorDependencies,
  run: Run,
  handle: RunHandleV1,
  signal: AbortSignal,
): Promise<RunPatch> {
  const bytes = Buffer.byteLength(JSON.stringify(handle));
  if (bytes > handleLimitBytes) {
    throw new SupervisorError('handle_invalid', `The handle takes ${bytes} bytes as JSON; at most ${handleLimitBytes} are kept.`);
  }
  const process = handle.kind === 'process' ? handle : null;
  const patch = {
    handle,
    phase: 'attached',
    processPid: process?.pid ?? null,
    processGroupId: process?.processGroupId ?? null,
    processStartedAt: process ? dateOrNull(process.startedAt) : null,
  } satisfies RunPatch;
  const answer = await retryWhileUnavailable(
    () =>
      inUnitOfWork(dependencies, async (unit) => {
        const stored = await unit.tx.patchRun(
          { id: run.id, ownerEpoch: run.ownerEpoch, status: 'running' },
          { ...patch, updatedAt: unit.now },
        );
        if (stored === 'stale') return stored;
        unit.runEvent(run, {
          type: 'run-spawned',
          level: 'info',
          message: process ? `The work runs as process ${process.pid} on ${process.host}.` : 'The work was started.',
          data: process ? { pid: process.pid, processGroupId: process.processGroupId, host: process.host } : null,
        });
        unit.liveEvent(run.companyId, 'run-updated', runLiveData({ ...run, ...patch }));
        return stored;
      }),
    { what: `handle of run ${run.id}`, clock: dependencies.clock, logger: dependencies.logger, signal },
  );
  if (answer === 'stale') {
    throw new SupervisorError(
      'run_fenced',
      `Run ${run.id} is owned by another server or has ended; stop what was started for it.`,
    );
  }
  return patch;
}

function dateOrNull(iso: string): Date | null {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? null : new Date(time);
}
