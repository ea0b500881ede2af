import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { wait } from '../loops/wait.js';
import type { Run } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import type { RunStop } from './run-stop.js';
import { stopByHandle } from './stop-by-handle.js';

const longestPauseMs = 30_000;

/**
 * For adapters that do not settle after they were asked to: waits for the stop, then grace and drain, then ends the work
 * by its handle, again and again until nothing is alive. Resolves then; the caller settles and drops what the adapter
 * may still say. Resolves null when `signal` aborts (the adapter settled).
 */
export async function endOverdueWork(
  dependencies: SupervisorDependencies,
  options: {
    readonly run: () => Run;
    readonly adapter: AdapterV1;
    readonly config: unknown;
    readonly stop: RunStop;
    readonly signal: AbortSignal;
  },
): Promise<{ readonly kind: 'ended'; readonly how: string } | { readonly kind: 'left_running' } | null> {
  const { clock, logger, settings } = dependencies;
  await options.stop.stopped;
  const isShutdown = options.stop.reason()?.kind === 'host_shutdown';
  const graceMs = isShutdown ? 0 : graceOf(options.config, settings.terminateGraceMs);
  await wait(clock, isShutdown ? settings.shutdownGraceMs / 2 : graceMs + settings.drainLimitMs, options.signal);
  if (options.signal.aborted || options.stop.isFenced()) return null;
  // On shutdown out-of-process work stays where it is; its adapter was only slow to let go.
  if (isShutdown && options.adapter.hasOutOfProcessLiveness) return { kind: 'left_running' };
  for (
    let pauseMs = 1_000;
    !options.signal.aborted && !options.stop.isFenced();
    pauseMs = Math.min(pauseMs * 2, longestPauseMs)
  ) {
    const answer = await stopByHandle(dependencies, {
      run: options.run(),
      adapter: options.adapter,
      config: options.config,
      reason: options.stop.reason()?.kind ?? 'cancelled',
      graceMs,
    });
    if (answer.done) return { kind: 'ended', how: answer.stopped };
    logger.warn({ runId: options.run().id, problem: answer.message }, 'work that should end is still there, trying again');
    await wait(clock, pauseMs, options.signal);
  }
  return null;
}

/** The grace that the adapter's config asks for (`graceMs` by convention in ours), where it is longer than the host's. */
function graceOf(config: unknown, defaultMs: number): number {
  if (typeof config !== 'object' || config === null || !('graceMs' in config)) return defaultMs;
  return typeof config.graceMs === 'number' ? Math.max(config.graceMs, defaultMs) : defaultMs;
}
