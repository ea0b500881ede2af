import { MessageChannel, Worker } from 'node:worker_threads';
import { type AdapterError, assertNever, type WorkerExitV1 } from '@runbeat/adapter-sdk';
import { z } from 'zod';
import { hostError } from '../adapter-host-error.js';
import type { HostClock } from '../host-clock.js';
import { type AdapterDescription, type HostMessage, workerMessage } from '../worker/messages.js';
import { errorFromWire } from '../worker/wire-error.js';
import type { WorkerData } from '../worker/worker-data.js';
import { type Heartbeat, startHeartbeat } from './heartbeat.js';
import { type CallRequest, type HostCall, startHostCall } from './host-call.js';
import { workerEntryUrl } from './worker-entry-url.js';

export interface WorkerLimits {
  /** Of the worker's JavaScript heap. */
  readonly maxHeapMb: number;
  /** Of buffers and other memory outside that heap. */
  readonly maxExternalMb: number;
  /** From the start of the thread until the adapter is loaded. */
  readonly loadTimeoutMs: number;
}

export interface WorkerOptions {
  /** For messages. */
  readonly name: string;
  readonly module: Omit<WorkerData, 'outputPending'>;
  /** All that the worker sees as `process.env`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: WorkerLimits;
  readonly clock: HostClock;
  /** Takes what the worker writes to stdout and stderr, and what is told of its end. Must not throw. */
  onOutput(stream: 'stdout' | 'stderr', text: string): void;
  /** An adapter ignored an abort; the call is abandoned, the worker holds on to whatever it does. */
  onAbandoned(): void;
  /** Ends the thread when it aborts before the adapter is loaded; the reason is an `AdapterError`. */
  readonly signal: AbortSignal;
}

type SessionEndListener = (end: WorkerExitV1 | AdapterError) => void;

/** A live worker thread with a loaded adapter. */
export interface WorkerConnection {
  readonly description: AdapterDescription;
  /** Settles like the adapter's method; rejects with `adapter_crashed` when the worker ends first. */
  call(request: CallRequest): { readonly settled: Promise<unknown>; readonly callId: number };
  /** Called when the session that this call opened has ended, or with `adapter_crashed` when its worker has. */
  onSessionEnd(callId: number, listener: SessionEndListener): void;
  /** Resolves as soon as the end is known to come, before any call rejects: no new calls from here on. Never rejects. */
  readonly ending: Promise<AdapterError>;
  /** Resolves when the thread is gone and all it said was handed on. Never rejects. */
  readonly ended: Promise<void>;
  /** End the thread. Calls in flight reject with `reason`. Resolves with `ended`. */
  terminate(reason: AdapterError): Promise<void>;
}

/** Start a worker and load the adapter in it. Rejects when it does not load; no thread is left then. */
export async function startWorker(options: WorkerOptions): Promise<WorkerConnection> {
  const connection = new Connection(options);
  const abort = (): void => void connection.terminate(hostError('adapter_closed', `The adapter ${options.name} was closed.`));
  options.signal.addEventListener('abort', abort, { once: true });
  try {
    if (options.signal.aborted) abort();
    return await connection.loaded;
  } finally {
    options.signal.removeEventListener('abort', abort);
  }
}

/**
 * States: *loading* (from the constructor; `load` timer runs) → *serving* (`loaded` came; heartbeat runs) → *ended*
 * (the thread is gone). `endReason` is written once, by `setEnd`, by
 * whoever sees the end coming first; from then on no call is taken.
 */
class Connection implements WorkerConnection {
  readonly loaded: Promise<WorkerConnection>;
  readonly ending: Promise<AdapterError>;
  readonly ended: Promise<void>;
  private readonly options: WorkerOptions;
  private readonly worker: Worker;
  private readonly port;
  private readonly outputPending = new Int32Array(new SharedArrayBuffer(4));
  private readonly calls = new Map<number, HostCall>();
  private readonly sessionEnds = new Map<number, SessionEndListener>();
  /** Ends of sessions that nobody listens to yet: a process may be gone before `open` has answered. */
  private readonly earlySessionEnds = new Map<number, WorkerExitV1>();
  private loadedDescription: AdapterDescription | null = null;
  private nextCallId = 1;
  private heartbeat: Heartbeat | null = null;
  private endReason: AdapterError | null = null;
  private resolveEnding: (reason: AdapterError) => void = () => {};
  private isPortClosed = false;
  private resolveLoaded: (connection: WorkerConnection) => void = () => {};
  private rejectLoaded: (error: unknown) => void = () => {};

  constructor(options: WorkerOptions) {
    this.options = options;
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    this.loaded = new Promise((resolve, reject) => {
      this.resolveLoaded = resolve;
      this.rejectLoaded = reject;
    });
    this.ending = new Promise((resolve) => {
      this.resolveEnding = resolve;
    });
    this.worker = new Worker(workerEntryUrl(), {
      name: `runbeat-adapter-${options.name}`,
      workerData: { ...options.module, outputPending: this.outputPending } satisfies WorkerData,
      env: { ...options.environment },
      // The host's own flags (inspectors, loaders) are none of the adapter's business.
      execArgv: [],
      argv: [],
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: options.limits.maxHeapMb },
    });
    const portClosed = new Promise<void>((resolve) => {
      port1.once('close', () => {
        this.isPortClosed = true;
        resolve();
      });
    });
    port1.on('message', (raw: unknown) => this.receive(raw));
    this.worker.on('error', (error: unknown) => this.noteEnd(crashMessage(error), error));
    this.worker.on('messageerror', (error) => this.noteEnd('sent something that cannot be read', error));
    const exited = new Promise<void>((resolve) =>
      this.worker.once('exit', (code) => {
        this.noteEnd(`ended itself with exit code ${code}`);
        resolve();
      }),
    );
    this.ended = exited.then(() => portClosed).then(() => this.finish());
    // The engine's own streams carry what does not go through process.stdout, such as a fatal error's report.
    this.worker.stdout.on('data', (chunk: Buffer) => options.onOutput('stdout', chunk.toString('utf8')));
    this.worker.stderr.on('data', (chunk: Buffer) => options.onOutput('stderr', chunk.toString('utf8')));
    const cancelLoad = options.clock.setTimer(options.limits.loadTimeoutMs, () => {
      if (this.loadedDescription) return;
      void this.endWith(
        hostError(
          'adapter_load_failed',
          `The adapter ${options.name} did not load within ${options.limits.loadTimeoutMs / 1000} s.`,
        ),
      );
    });
    void this.ended.then(cancelLoad);
    this.worker.postMessage(port2, [port2]);
  }

  get description(): AdapterDescription {
    if (!this.loadedDescription) throw hostError('adapter_load_failed', `The adapter ${this.options.name} is not loaded yet.`);
    return this.loadedDescription;
  }

  call(request: CallRequest): { settled: Promise<unknown>; callId: number } {
    const callId = this.nextCallId;
    this.nextCallId += 1;
    if (this.endReason) return { callId, settled: Promise.reject(this.endReason) };
    try {
      const call = startHostCall(request, {
        callId,
        clock: this.options.clock,
        send: (message) => this.send(message),
        onOver: () => this.calls.delete(callId),
        onAbandoned: () => this.options.onAbandoned(),
      });
      this.calls.set(callId, call);
      return { callId, settled: call.settled };
    } catch (cause) {
      const message = `A call of ${request.method} holds a value that cannot be copied to the worker: ${String(cause)}. Use plain JSON.`;
      return { callId, settled: Promise.reject(hostError('adapter_invalid', message, { cause })) };
    }
  }

  onSessionEnd(callId: number, listener: SessionEndListener): void {
    const end = this.earlySessionEnds.get(callId) ?? this.endReason;
    this.earlySessionEnds.delete(callId);
    if (end) listener(end);
    else this.sessionEnds.set(callId, listener);
  }

  async terminate(reason: AdapterError): Promise<void> {
    await this.endWith(reason);
  }

  private async endWith(reason: AdapterError): Promise<void> {
    this.setEnd(reason);
    await this.worker.terminate();
    await this.ended;
  }

  private setEnd(reason: AdapterError): void {
    if (this.endReason) return;
    this.endReason = reason;
    this.heartbeat?.stop();
    this.resolveEnding(reason);
  }

  private noteEnd(what: string, cause?: unknown): void {
    if (this.endReason) return;
    const message = `The worker of the adapter ${this.options.name} ${what}.`;
    this.setEnd(hostError('adapter_crashed', message, { retryable: true, cause }));
    this.options.onOutput('stderr', `${message}${cause instanceof Error && cause.stack ? `\n${cause.stack}` : ''}\n`);
  }

  /** The worker broke the rules: end it as crashed. */
  private condemn(what: string, cause?: unknown): void {
    this.noteEnd(what, cause);
    void this.worker.terminate();
  }

  private async finish(): Promise<void> {
    const reason = await this.ending;
    this.rejectLoaded(reason);
    await Promise.all([...this.calls.values()].map((call) => call.fail(reason)));
    this.calls.clear();
    for (const listener of this.sessionEnds.values()) listener(reason);
    this.sessionEnds.clear();
  }

  private send(message: HostMessage): void {
    if (!this.isPortClosed) this.port.postMessage(message);
  }

  private receive(raw: unknown): void {
    const parsed = workerMessage.safeParse(raw);
    if (!parsed.success) {
      this.condemn(`sent a message of unknown shape (${z.prettifyError(parsed.error)})`);
      return;
    }
    const message = parsed.data;
    switch (message.type) {
      case 'loaded':
        this.loadedDescription = message.description;
        this.heartbeat = this.startHeartbeat();
        this.resolveLoaded(this);
        return;
      case 'load-failed': {
        const error = errorFromWire(message.error);
        this.rejectLoaded(error);
        void this.endWith(hostError('adapter_load_failed', error.message, { cause: error }));
        return;
      }
      case 'report':
      case 'settled':
        // Calls that were abandoned are not in the map any more.
        this.calls.get(message.callId)?.receive(message);
        return;
      case 'session-exited':
        void this.endSession(message.callId, message.exit);
        return;
      case 'pong':
        this.heartbeat?.answered(message.sequence, message.externalBytes);
        return;
      case 'output':
        this.options.onOutput(message.stream, message.text);
        Atomics.sub(this.outputPending, 0, message.text.length);
        Atomics.notify(this.outputPending, 0);
        return;
      default:
        assertNever(message, 'message of the worker');
    }
  }

  private async endSession(callId: number, exit: WorkerExitV1): Promise<void> {
    const call = this.calls.get(callId);
    await call?.end();
    const listener = this.sessionEnds.get(callId);
    this.sessionEnds.delete(callId);
    if (listener) listener(exit);
    else if (call) this.earlySessionEnds.set(callId, exit);
  }

  private startHeartbeat(): Heartbeat {
    const { maxHeapMb, maxExternalMb } = this.options.limits;
    return startHeartbeat({
      clock: this.options.clock,
      maxExternalBytes: maxExternalMb * 1024 * 1024,
      maxGrowthBytes: (maxHeapMb + maxExternalMb) * 1024 * 1024,
      residentBytes: () => process.memoryUsage.rss(),
      ping: (sequence) => this.send({ type: 'ping', sequence }),
      onLost: (reason) => this.condemn(reason),
    });
  }
}

function crashMessage(error: unknown): string {
  if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return 'reached its memory limit and was ended';
  }
  return `failed with an error that nobody caught: ${error instanceof Error ? error.message : String(error)}`;
}
