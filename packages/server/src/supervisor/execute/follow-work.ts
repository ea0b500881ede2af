import { AdapterError, type RunResultV1 } from '@runbeat/adapter-sdk';
import type { RunLogWriter } from '../logs/run-log-writer.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import { callAdapter } from './call-adapter.js';
import type { Assignment, ExecutionHost } from './execution-host.js';
import type { ExecutionRecord } from './execution-record.js';
import { endOverdueWork } from './overdue-stop.js';
import type { PreparedRun } from './prepare-run.js';
import { createRunSinks } from './run-sinks.js';
import type { StopReason } from './stop-reason.js';
import { storeHandle } from './store-handle.js';

/** How following the work came to its end; what the run becomes is decided from it. */
export type WorkEnding =
  | { readonly kind: 'returned'; readonly result: RunResultV1 }
  | { readonly kind: 'rejected'; readonly error: unknown }
  /** The adapter did not settle after it was asked to; the host ended the work by its handle. */
  | { readonly kind: 'overdue'; readonly how: string }
  /** The adapter did not let go in time at a shutdown; its work goes on without us. */
  | { readonly kind: 'left_running' }
  | { readonly kind: 'fenced' };

/** Calls the adapter and waits for the first of: its answer, work that had to be ended by us, the loss of the run. */
export async function followWork(
  dependencies: SupervisorDependencies,
  host: ExecutionHost,
  assignment: Assignment,
  work: { readonly record: ExecutionRecord; readonly prepared: PreparedRun; readonly log: RunLogWriter },
): Promise<WorkEnding> {
  const { record, prepared, log } = work;
  const { stop } = record;
  // Aborts when the outcome is known: whatever the adapter says or calls afterwards is dropped.
  const decided = new AbortController();
  const sinks = createRunSinks(dependencies, {
    run: record.run(),
    log,
    secrets: prepared.secrets,
    isClosed: () => decided.signal.aborted || stop.isFenced(),
    onActivity: record.touch,
    onAlive: record.alive,
  });
  // Only a log that an earlier attempt wrote has to be read before the first write.
  const isContinued = assignment.mode === 'reattach' || record.run().attempt > 1;
  const { adapterCursor } = isContinued ? await log.open() : { adapterCursor: null };
  const reason = stop.reason();
  if (reason && assignment.mode === 'execute') return notStarted(assignment, reason);
  const answered = callAdapter(assignment, {
    prepared,
    sinks,
    signal: stop.signal,
    afterCursor: adapterCursor,
    storeHandle: async (handle) => record.learn(await storeHandle(dependencies, record.run(), handle, host.stopSignal)),
  }).then(
    (result): WorkEnding => (isRunResult(result) ? { kind: 'returned', result } : { kind: 'rejected', error: noResult(result) }),
    (error: unknown): WorkEnding => ({ kind: 'rejected', error }),
  );
  const overdue = endOverdueWork(dependencies, {
    run: record.run,
    adapter: assignment.adapter,
    config: prepared.config,
    stop,
    signal: decided.signal,
  }).then((end): WorkEnding | Promise<WorkEnding> => {
    if (end === null) return answered;
    return end.kind === 'ended' ? { kind: 'overdue', how: end.how } : end;
  });
  const fenced = stop.fenced.then((): WorkEnding => ({ kind: 'fenced' }));
  const ending = await Promise.race([answered, overdue, fenced]);
  decided.abort();
  return stop.isFenced() ? { kind: 'fenced' } : ending;
}

/** Asked to end before it began: nothing has to be stopped. At a shutdown the next server begins it. */
function notStarted({ adapter }: Assignment, reason: StopReason): WorkEnding {
  if (reason.kind === 'fenced') return { kind: 'fenced' };
  if (reason.kind === 'host_shutdown' && adapter.hasOutOfProcessLiveness) return { kind: 'left_running' };
  return { kind: 'overdue', how: 'nothing_to_stop' };
}

const resultStatuses: ReadonlySet<unknown> = new Set(['succeeded', 'failed', 'cancelled', 'timed_out', 'detached']);

/** Adapters written in JavaScript may return anything. */
function isRunResult(result: unknown): result is RunResultV1 {
  if (typeof result !== 'object' || result === null || !('status' in result) || !resultStatuses.has(result.status)) return false;
  if (result.status !== 'failed') return true;
  const error = 'error' in result ? result.error : null;
  return (
    typeof error === 'object' &&
    error !== null &&
    'code' in error &&
    typeof error.code === 'string' &&
    'message' in error &&
    typeof error.message === 'string'
  );
}

function noResult(result: unknown): AdapterError {
  return new AdapterError(
    'adapter_result_invalid',
    `It returned ${JSON.stringify(result)?.slice(0, 200) ?? 'nothing'}, which is no RunResultV1.`,
  );
}
