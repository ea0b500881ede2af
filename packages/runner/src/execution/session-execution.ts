import {
  type AbortReasonV1,
  type AdapterV1,
  failureFromError,
  type InteractiveV1,
  type Json,
  parseAdapterConfig,
  type RunResultV1,
  type SessionContextV1,
  type SessionWorkerV1,
  type WorkerExitV1,
} from '@runbeat/adapter-sdk';
import { linesFromSaid, type RunnerLogLine } from '@runbeat/protocol';
import type { JobAbort } from '../jobs/job-state.js';
import { endProcessGroup } from './end-process-group.js';
import type { ExecutionOptions } from './execution-options.js';
import { abortedResult, adapterMissing, configInvalid } from './execution-results.js';
import type { SessionInbox } from './session-inbox.js';
import type { SessionProgress } from './session-progress.js';
import { waitOrAbort } from './wait-or-abort.js';

export interface SessionExecutionOptions extends ExecutionOptions {
  readonly sessionId: string;
  readonly inbox: SessionInbox;
  progress(): SessionProgress;
}

/** When nobody says how long a worker may take to end by itself. */
const STOP_GRACE_MS = 5_000;

/**
 * Holds a session's worker to its end: opens it, or takes it over from an earlier process of this runner. The end of the
 * worker is the `resultJson` of a success; a failure means that there never was one, or that nobody saw its end.
 * Never rejects.
 */
export async function runSessionExecution(options: SessionExecutionOptions): Promise<RunResultV1> {
  try {
    return await hold(options);
  } catch (error) {
    return { status: 'failed', error: failureFromError(error) };
  }
}

async function hold(options: SessionExecutionOptions): Promise<RunResultV1> {
  const { spec, signal } = options;
  const adapter = await adapterOnceThere(options);
  if (adapter === null) return abortedResult(signal, adapterMissing(spec.adapterType));
  const { interactive } = adapter;
  if (!interactive) return notInteractive(spec.adapterType);
  const config = await parseAdapterConfig(adapter, spec.config);
  if (!config.ok) return configInvalid(spec, config.issues);

  const leave = new AbortController();
  let worker: SessionWorkerV1 | null = null;
  const onAbort = (): void => {
    const reason = signal.reason as JobAbort;
    if (worker === null || reason.kind === 'host_shutdown' || reason.kind === 'fenced') leave.abort(reason);
    else stopWorker(worker, reason.graceMs ?? STOP_GRACE_MS, leave);
  };
  signal.addEventListener('abort', onAbort);
  if (signal.aborted) onAbort();
  try {
    const context = contextFor(options, config.value as Json, leave.signal, () => worker?.resumeState);
    worker = options.starts > 0 ? await takeOver(options, interactive, context) : await open(options, interactive, context);
    if (worker === null) return ended(goneExit());
    if (signal.aborted) onAbort();
    // Told again by whoever takes it over: the process before may have died with the word unspoken.
    await options.append({ k: 'opened', v: worker.resumeState });
    options.inbox.open(worker);
    const exit = await worker.exited;
    options.inbox.close();
    if (exit.reason === 'host_shutdown' && signal.aborted) return { status: 'detached' };
    return ended(signal.aborted ? withCause(exit, signal.reason as AbortReasonV1) : exit);
  } finally {
    signal.removeEventListener('abort', onAbort);
    options.inbox.close();
  }
}

/** A worker that may be alive waits for its adapter; one that never began needs it now. Null = there is none. */
async function adapterOnceThere(options: SessionExecutionOptions): Promise<AdapterV1 | null> {
  for (;;) {
    const adapter = options.findAdapter();
    if (adapter !== null || options.starts === 0) return adapter;
    if (await waitOrAbort(options)) return null;
  }
}

async function open(
  options: SessionExecutionOptions,
  interactive: InteractiveV1,
  context: SessionContextV1,
): Promise<SessionWorkerV1> {
  await options.markStarted();
  return interactive.open(context);
}

async function takeOver(
  options: SessionExecutionOptions,
  interactive: InteractiveV1,
  context: SessionContextV1,
): Promise<SessionWorkerV1 | null> {
  const { handle } = options;
  const { unwrittenSeq, promptsInFlight, requestsOpen } = options.progress();
  // The write may have reached the worker: it counts as written, as every write that proves nothing.
  if (unwrittenSeq !== null) await options.append({ k: 'wrote', q: unwrittenSeq });
  if (handle !== null && interactive.reattach) {
    return interactive.reattach({
      ...context,
      handle,
      afterCursor: options.lastCursor(),
      promptsInFlight,
      requestsOpen: requestsOpen.map((request) => request.requestId),
    });
  }
  if (handle?.kind === 'process') await endProcessGroup(handle, context.workerId, options.graceMs);
  return null;
}

function contextFor(
  options: SessionExecutionOptions,
  config: Json,
  signal: AbortSignal,
  resumeState: () => Json | undefined,
): SessionContextV1 {
  const { spec, clock } = options;
  let toldState = JSON.stringify(resumeState() ?? null);
  return {
    sessionId: options.sessionId,
    workerId: spec.runId,
    config,
    agent: spec.agent,
    environment: spec.environment,
    previousSession: spec.previousSession as Json,
    signal,
    onSpawn: (handle) => options.storeHandle(handle),
    async onOutput(output, mark) {
      options.alive();
      for (const line of linesFromSaid(output, mark?.cursor ?? null)) await options.append(line);
      const state = resumeState();
      if (state === undefined || JSON.stringify(state) === toldState) return;
      toldState = JSON.stringify(state);
      await options.append({ k: 'resume', v: state });
    },
    async onEvent({ type, level, message, data }) {
      const at = clock.now().toISOString();
      const line: RunnerLogLine = { k: 'event', at, type, level, message };
      await options.append(data === undefined ? line : { ...line, data });
    },
  };
}

function stopWorker(worker: SessionWorkerV1, graceMs: number, leave: AbortController): void {
  // `exited` tells of the end; a stop that rejects is an adapter's bug, and the abort is the way that is left.
  worker.stop({ graceMs }).catch(() => leave.abort({ kind: 'cancelled', message: 'stop' } satisfies AbortReasonV1));
}

function ended(exit: WorkerExitV1): RunResultV1 {
  return { status: 'succeeded', resultJson: { ...exit } };
}

function goneExit(): WorkerExitV1 {
  const message = 'The worker ended while its runner was away, or the adapter could not take it over.';
  return { exitCode: null, signal: null, reason: 'process_exit', message, stderrTail: '' };
}

function withCause(exit: WorkerExitV1, reason: AbortReasonV1): WorkerExitV1 {
  return reason.message === undefined ? exit : { ...exit, message: `${reason.message}. ${exit.message}`.trim() };
}

function notInteractive(type: string): RunResultV1 {
  const message = `The adapter ${type} of this runner holds no conversations. Use one whose capabilities say isInteractive.`;
  return { status: 'failed', error: { code: 'adapter_not_interactive', message, retryable: false } };
}
