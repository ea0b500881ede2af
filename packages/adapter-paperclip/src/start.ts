import { type AbortReasonV1, isAdapterError, type RunResultV1, sleep } from '@runbeat/adapter-sdk';
import { moduleContext, type PaperclipExecuteContext } from './context.js';
import { createModuleReports, type ModuleReports } from './logs.js';
import { resultFromModule } from './outcome.js';
import { isMembers, type PaperclipServerAdapter, paperclipError } from './paperclip-module.js';
import { sessionFromResult } from './session.js';
import { stopRunProcesses } from './stop.js';

const DEFAULT_GRACE_MS = 5_000;
/** After its processes are gone a module has this long to notice, in ms. */
const SETTLE_LIMIT_MS = 5_000;
const LOOK_AGAIN_MS = 250;

type ModuleEnd = { readonly kind: 'returned'; readonly value: unknown } | { readonly kind: 'threw'; readonly error: unknown };

/** One run of a lifted module, from its start to its end. */
export async function executeModule(module: PaperclipServerAdapter, context: PaperclipExecuteContext): Promise<RunResultV1> {
  const graceMs = graceOf(context.config);
  const aborted = abortOf(context.signal);
  // Nothing was started yet, and a module cannot be told not to.
  if (aborted.reason) return resultFromAbort(aborted.reason, false);
  /** Set when the host could not store the handle; ends the run as an abort does. */
  let refuse: (error: unknown) => void = () => {};
  const refused = new Promise<{ readonly kind: 'refused'; readonly error: unknown }>((resolve) => {
    refuse = (error) => resolve({ kind: 'refused', error });
  });
  const reports = createModuleReports(module.type, context, (error) => refuse(error));
  const ended = runModule(module, moduleContext(module, context, reports.callbacks));
  try {
    const first = await Promise.race([ended, aborted.happened, refused]);
    switch (first.kind) {
      case 'returned':
      case 'threw':
        await reports.finish();
        return resultFromEnd(module, context, first, reports);
      case 'aborted':
        return await endRun(module, context, { reason: first.reason, ended, reports, graceMs });
      case 'refused':
        await stopRunProcesses({ runId: context.runId, handles: reports.handles, graceMs });
        throw first.error;
    }
  } finally {
    aborted.ignore();
    reports.close();
  }
}

async function runModule(module: PaperclipServerAdapter, context: Record<string, unknown>): Promise<ModuleEnd> {
  try {
    return { kind: 'returned', value: await module.execute(context) };
  } catch (error) {
    return { kind: 'threw', error };
  }
}

/** Modules know no abort: their processes are stopped, whereupon they settle by themselves. */
async function endRun(
  module: PaperclipServerAdapter,
  context: PaperclipExecuteContext,
  run: { reason: AbortReasonV1; ended: Promise<ModuleEnd>; reports: ModuleReports; graceMs: number },
): Promise<RunResultV1> {
  const { reason, reports } = run;
  if (reason.kind === 'fenced') return { status: 'cancelled', forced: false };
  if (reason.kind === 'host_shutdown' && module.hasOutOfProcessLiveness) {
    await reports.finish().catch(() => undefined);
    return { status: 'detached' };
  }
  const { end, ...stopped } = await stopUntilSettled(context.runId, run);
  // A host that ends a run may take no logs of it any more; that does not change how the run ended.
  await reports.finish().catch(() => undefined);
  if (!stopped.isGone) {
    const pids = reports.handles.map((handle) => handle.pid).join(', ');
    throw paperclipError('paperclip_module_failed', `Processes of the run are alive after SIGKILL (started as pid ${pids}).`);
  }
  if (end === null) {
    const message = 'The module did not return after its processes were stopped; its call was given up.';
    await context.onEvent({ type: `${module.type}.abandoned`, level: 'warn', message });
  }
  const forced = stopped.isForced || end === null;
  const report = end?.kind === 'returned' ? reportOf(module, context, end.value) : {};
  return { ...report, ...resultFromAbort(reason, forced) };
}

function resultFromAbort(reason: AbortReasonV1, forced: boolean): RunResultV1 {
  if (reason.kind === 'timed_out') return { status: 'timed_out', limitMs: reason.limitMs ?? 0, forced };
  return { status: 'cancelled', forced };
}

/** A module may be about to start its process when the abort comes: look again until it has settled. */
async function stopUntilSettled(
  runId: string,
  run: { ended: Promise<ModuleEnd>; reports: ModuleReports; graceMs: number },
): Promise<{ end: ModuleEnd | null; isForced: boolean; isGone: boolean }> {
  const stop = () => stopRunProcesses({ runId, handles: run.reports.handles, graceMs: run.graceMs });
  let stopped = await stop();
  let isForced = stopped.stopped === 'forced';
  let end: ModuleEnd | null = null;
  for (let waitedMs = 0; end === null && waitedMs < SETTLE_LIMIT_MS; waitedMs += LOOK_AGAIN_MS) {
    end = await Promise.race([run.ended, sleep(LOOK_AGAIN_MS).then(() => null)]);
    stopped = await stop();
    isForced ||= stopped.stopped === 'forced';
  }
  return { end, isForced, isGone: stopped.isGone };
}

function resultFromEnd(
  module: PaperclipServerAdapter,
  context: PaperclipExecuteContext,
  end: ModuleEnd,
  reports: ModuleReports,
): RunResultV1 {
  if (end.kind === 'returned') {
    const result = resultFromModule(module.type, end.value, context.config);
    const session = isMembers(end.value) ? sessionFromResult(end.value, module.sessionCodec) : undefined;
    return session === undefined ? result : { ...result, session };
  }
  if (isAdapterError(end.error)) throw end.error;
  // Modules throw where a command is missing or a folder cannot be made; that is a run that did not start.
  const code = reports.handles.length === 0 ? 'start_failed' : 'adapter_error';
  const message = end.error instanceof Error ? end.error.message : String(end.error);
  return { status: 'failed', error: { code, message, retryable: false } };
}

/** What a run that was ended from outside reported all the same: tokens were used, the session goes on. */
function reportOf(module: PaperclipServerAdapter, context: PaperclipExecuteContext, value: unknown): Partial<RunResultV1> {
  if (!isMembers(value)) return {};
  const { usage, provider, model, costUsd } = resultFromModule(module.type, value, context.config);
  const session = sessionFromResult(value, module.sessionCodec);
  return {
    ...(usage === undefined ? {} : { usage }),
    ...(provider === undefined ? {} : { provider }),
    ...(model === undefined ? {} : { model }),
    ...(costUsd === undefined ? {} : { costUsd }),
    // A cut-off run that found no session says nothing about the one before.
    ...(session === undefined || session === null ? {} : { session }),
  };
}

export function graceOf(config: Readonly<Record<string, unknown>>): number {
  const graceSec = config['graceSec'];
  return typeof graceSec === 'number' && graceSec > 0 ? graceSec * 1000 : DEFAULT_GRACE_MS;
}

interface Abort {
  /** Set when the signal had aborted before the run began. */
  readonly reason: AbortReasonV1 | null;
  readonly happened: Promise<{ readonly kind: 'aborted'; readonly reason: AbortReasonV1 }>;
  ignore(): void;
}

function abortOf(signal: AbortSignal): Abort {
  if (signal.aborted) return { reason: abortReason(signal), happened: new Promise(() => {}), ignore: () => {} };
  let ignore = (): void => {};
  const happened = new Promise<{ readonly kind: 'aborted'; readonly reason: AbortReasonV1 }>((resolve) => {
    const abort = (): void => resolve({ kind: 'aborted', reason: abortReason(signal) });
    ignore = () => signal.removeEventListener('abort', abort);
    signal.addEventListener('abort', abort, { once: true });
  });
  return { reason: null, happened, ignore };
}

/** Hosts give an `AbortReasonV1`; a bare `AbortController` gives an error, which is a cancellation. */
function abortReason(signal: AbortSignal): AbortReasonV1 {
  const reason: unknown = signal.reason;
  return isMembers(reason) && 'kind' in reason ? (reason as unknown as AbortReasonV1) : { kind: 'cancelled' };
}
