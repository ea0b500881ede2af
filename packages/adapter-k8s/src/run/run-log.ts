import type { RunSinksV1 } from '@runbeat/adapter-sdk';
import { isStatus, type KubernetesApiError } from '../cluster/api-error.js';
import type { ApiStream } from '../cluster/connection.js';
import { workContainer } from '../job/job-spec.js';
import { containerPaths } from '../job/run-secret.js';
import { followLog, type LogEnd, type LogFollower } from '../logs/follow-log.js';
import { createFramedLog, type FramedLog } from '../logs/framed-log.js';
import type { ShimExit } from '../logs/frames.js';
import type { LogQuery, LogSink } from '../logs/log-sink.js';
import { createPlainLog } from '../logs/plain-log.js';
import { replayFrames } from '../logs/replay-frames.js';
import { workStatus } from '../outcome/pod-facts.js';
import { rbacDenied } from '../outcome/rbac-denied.js';
import type { WirePod } from '../wire.js';
import type { Scope } from './scope.js';

/** The log of one run's Pod, from its first line to what is known of its end. */
export interface RunLog {
  readonly follower: LogFollower;
  /** Set when `follower.done` resolved. */
  readonly end: LogEnd | null;
  /** A sink rejected: the host gave the run up. */
  readonly failure: { readonly error: unknown } | null;
  readonly shimExit: ShimExit | null;
  readonly foreignText: string;
  /** No call of a sink after this; what was read and not handed on is read again by the next owner. */
  close(): Promise<void>;
}

export interface RunLogOptions {
  readonly scope: Scope;
  readonly pod: WirePod;
  readonly mode: 'plain' | 'framed';
  readonly nodePath: string;
  readonly cursor: string | null;
  readonly sinks: RunSinksV1;
  /** The log has ended, or a sink rejected. */
  readonly onEnd: () => void;
}

export function openRunLog(options: RunLogOptions): RunLog {
  const { scope, pod, mode, sinks, cursor } = options;
  const { timings, now, api, connection } = scope;
  const controller = new AbortController();
  const podName = pod.metadata?.name ?? '';
  const told = new Set<string>();
  let isClosed = false;
  let end: LogEnd | null = null;
  let failure: { error: unknown } | null = null;

  const notice = async (type: string, message: string): Promise<void> => {
    if (isClosed || told.has(type)) return;
    told.add(type);
    await sinks.onEvent({ type: `k8s.${type}`, level: 'warn', message });
  };
  const sink: LogSink = {
    text: async (stream, text, { cursor: at, time }) => {
      if (!isClosed) await sinks.onLog(stream, text, { cursor: at, at: isoTime(time) });
    },
    gap: async (message, at) => {
      if (!isClosed) await sinks.onLog('system', `[runbeat] ${message}\n`, { cursor: at });
    },
    alive: async () => {
      if (!isClosed) await sinks.onAlive();
    },
    notice,
  };
  let lastBytesAt = 0;
  const open = (query: LogQuery, signal: AbortSignal): Promise<ApiStream> =>
    connection.stream({
      path: api.logPath(podName),
      query: {
        container: workContainer,
        timestamps: true,
        ...(query.follow ? { follow: true } : {}),
        tailLines: query.tailLines,
      },
      idleMs: mode === 'framed' ? timings.framedLogIdleMs : timings.plainLogIdleMs,
      signal,
      onBytes: () => {
        lastBytesAt = now();
      },
    });
  const source = { podUid: pod.metadata?.uid ?? '', containerId: workStatus(pod)?.containerID ?? '' };
  const target = {
    namespace: api.namespace,
    pod: podName,
    container: workContainer,
    shimCommand: [options.nodePath, containerPaths.shim],
  };
  const framed: FramedLog | null =
    mode === 'plain'
      ? null
      : createFramedLog({
          source,
          sink,
          cursor,
          open,
          now,
          replay: async (from, to, signal) => {
            const replay = await replayFrames(connection, target, { from, to }, { timeoutMs: timings.replayMs, signal });
            if (replay.kind === 'frames') return replay.frames;
            await notice('log_repair_refused', `Lost output cannot be fetched from the Pod by exec: ${replay.message}`);
            return [];
          },
        });
  const log =
    framed ??
    createPlainLog({
      source,
      sink,
      cursor,
      open,
      searchMs: timings.searchMs,
      stallMs: timings.stallMs,
      startedLongAgo: startedLongAgo(pod, now(), timings.unrotatedMs),
      now,
    });
  const follower = followLog({
    log,
    timings,
    now,
    lastBytesAt: () => lastBytesAt,
    signal: controller.signal,
    onTrouble: async (error) => notice(...troubleNotice(error)),
  });
  follower.done.then(
    (reached) => {
      end = reached;
      options.onEnd();
    },
    (error: unknown) => {
      failure = { error };
      options.onEnd();
    },
  );

  return {
    follower,
    get end() {
      return end;
    },
    get failure() {
      return failure;
    },
    get shimExit() {
      return framed?.exit ?? null;
    },
    get foreignText() {
      return framed?.foreignText ?? '';
    },
    async close() {
      isClosed = true;
      controller.abort();
      await follower.done.catch(() => {});
    },
  };
}

/** By the node's clock and ours: a difference between them only moves the moment from which the log warns. */
function startedLongAgo(pod: WirePod, nowMs: number, unrotatedMs: number): Date | null {
  const state = workStatus(pod)?.state;
  const startedAt = new Date(state?.running?.startedAt ?? state?.terminated?.startedAt ?? '');
  return nowMs - startedAt.getTime() > unrotatedMs ? startedAt : null;
}

function troubleNotice(error: KubernetesApiError): [string, string] {
  if (isStatus(error, 403)) return ['log_forbidden', `The log cannot be read: ${rbacDenied(error).message}`];
  return ['log_interrupted', `The log is interrupted and will be read on from the same place: ${error.message}`];
}

/** Milliseconds are what an ISO time of the contract has. */
function isoTime(nanoseconds: string): string {
  return nanoseconds.replace(/(\.\d{3})\d*/, '$1');
}
