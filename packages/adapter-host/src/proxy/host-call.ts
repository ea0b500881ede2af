import { type AdapterError, assertNever, type ExecuteContextV1, type Json, type SessionContextV1 } from '@runbeat/adapter-sdk';
import { hostError } from '../adapter-host-error.js';
import type { HostClock } from '../host-clock.js';
import type { CallMethod, HostMessage, ReportEntry, WorkerMessage } from '../worker/messages.js';
import { wireAbortFrom } from '../worker/wire-abort.js';
import { errorFromWire, wireErrorFrom } from '../worker/wire-error.js';

/** Where a call's reports go: the functions of the context that the host was given. */
export interface CallSinks {
  readonly onLog?: ExecuteContextV1['onLog'];
  readonly onAlive?: ExecuteContextV1['onAlive'];
  readonly onEvent?: ExecuteContextV1['onEvent'];
  readonly onSpawn?: ExecuteContextV1['onSpawn'];
  readonly onOutput?: SessionContextV1['onOutput'];
  /** Called before the output that came with the new state is handed on. */
  readonly onResumeState?: (state: Json) => void;
}

export interface CallRequest {
  readonly method: CallMethod;
  readonly params: Record<string, unknown>;
  readonly sinks?: CallSinks;
  readonly signal?: AbortSignal;
  /** How long after an abort the adapter may take to settle before the call is abandoned, in ms, by the reason. */
  readonly abandonAfterMs?: (reason: unknown) => number;
  /** The call's reports go on after it has settled, until `end` is called (sessions). */
  readonly isSession?: boolean;
}

/** One call in flight, at the host's end. */
export interface HostCall {
  readonly settled: Promise<unknown>;
  receive(message: Extract<WorkerMessage, { type: 'report' | 'settled' }>): void;
  /** The worker is gone. What it reported before is handed on first, then the call rejects. */
  fail(error: AdapterError): Promise<void>;
  /** The session of this call has ended. Resolves when all it reported was handed on. */
  end(): Promise<void>;
}

export interface HostCallOptions {
  readonly callId: number;
  readonly clock: HostClock;
  send(message: HostMessage): void;
  /** The call needs no more messages. */
  onOver(): void;
  /** The adapter ignored an abort for too long. */
  onAbandoned(): void;
}

export function startHostCall(request: CallRequest, options: HostCallOptions): HostCall {
  const { callId, clock, send } = options;
  const { signal, sinks = {} } = request;
  const isAbortedAtStart = signal?.aborted === true;
  let isOver = false;
  let cancelAbandon = (): void => {};
  /** Batches are handed on one after the other, in the order in which they came. */
  let handedOn: Promise<void> = Promise.resolve();
  let isLogRefused: Error | null = null;
  let resolveCall: (value: unknown) => void = () => {};
  let rejectCall: (error: unknown) => void = () => {};
  const settled = new Promise<unknown>((resolve, reject) => {
    resolveCall = resolve;
    rejectCall = reject;
  });

  const finish = (apply: () => void): void => {
    if (isOver) return;
    isOver = true;
    cancelAbandon();
    if (!request.isSession) {
      signal?.removeEventListener('abort', abort);
      options.onOver();
    }
    apply();
  };

  const abort = (): void => {
    if (!isAbortedAtStart) send({ type: 'abort', callId, reason: wireAbortFrom(signal?.reason) });
    const afterMs = request.abandonAfterMs?.(signal?.reason);
    if (afterMs === undefined || isOver) return;
    cancelAbandon = clock.setTimer(afterMs, () => {
      const message = `The adapter did not settle ${request.method} within ${afterMs / 1000} s of its abort; the call was abandoned.`;
      finish(() => rejectCall(hostError('adapter_unresponsive', message)));
      options.onAbandoned();
    });
  };

  const handOn = async (first: number, entries: readonly ReportEntry[]): Promise<void> => {
    let sequence = first - 1;
    for (const entry of entries) {
      sequence += 1;
      const error = await deliver(entry);
      if (error) send({ type: 'acknowledge', callId, upTo: sequence, error: wireErrorFrom(error) });
    }
    send({ type: 'acknowledge', callId, upTo: sequence, error: null });
  };

  const deliver = async (entry: ReportEntry): Promise<unknown> => {
    if (entry.kind === 'log' && isLogRefused) return isLogRefused;
    try {
      await reportTo(sinks, entry);
      return null;
    } catch (error) {
      // The adapter has been told "accepted" for later texts already; none of them may overtake the one that failed.
      if (entry.kind === 'log') isLogRefused = error instanceof Error ? error : hostError('adapter_closed', String(error));
      return error ?? hostError('adapter_closed', 'The host refused a report without saying why.');
    }
  };

  const atStart = isAbortedAtStart ? wireAbortFrom(signal.reason) : null;
  send({ type: 'call', callId, method: request.method, params: request.params, abort: atStart });
  if (isAbortedAtStart) abort();
  else signal?.addEventListener('abort', abort, { once: true });

  return {
    settled,
    receive(message) {
      if (message.type === 'report') {
        handedOn = handedOn.then(() => handOn(message.first, message.entries));
        return;
      }
      const { outcome } = message;
      finish(() => {
        if ('error' in outcome) rejectCall(isLogRefused ?? errorFromWire(outcome.error));
        else resolveCall(outcome.value);
      });
    },
    async fail(error) {
      await handedOn;
      signal?.removeEventListener('abort', abort);
      finish(() => rejectCall(error));
    },
    async end() {
      await handedOn;
      signal?.removeEventListener('abort', abort);
      options.onOver();
    },
  };
}

async function reportTo(sinks: CallSinks, entry: ReportEntry): Promise<void> {
  switch (entry.kind) {
    case 'log':
      return await (entry.mark ? sinks.onLog?.(entry.stream, entry.text, entry.mark) : sinks.onLog?.(entry.stream, entry.text));
    case 'alive':
      return await sinks.onAlive?.();
    case 'event':
      return await sinks.onEvent?.(entry.event);
    case 'spawn':
      return await sinks.onSpawn?.(entry.handle);
    case 'output':
      if (entry.resumeState !== undefined) sinks.onResumeState?.(entry.resumeState);
      return await (entry.mark ? sinks.onOutput?.(entry.output, entry.mark) : sinks.onOutput?.(entry.output));
    default:
      return assertNever(entry, 'report');
  }
}
