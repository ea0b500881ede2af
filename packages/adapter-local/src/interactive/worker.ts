import type {
  AbortReasonV1,
  Json,
  ProcessHandleV1,
  SessionContextV1,
  SessionOutputV1,
  SessionWorkerV1,
  SessionWriteV1,
  TerminationV1,
  WorkerExitV1,
} from '@runbeat/adapter-sdk';
import { sleep } from '@runbeat/adapter-sdk';
import { endTree } from '@runbeat/adapter-sdk/processes';
import type { RunFolder } from '../capsule/run-folder.js';
import type { EndPhase } from '../run/end-phase.js';
import { defaultGraceMs, defaultSignal, defaultSpoolLimitBytes, type ProcessSpec } from '../run/process-spec.js';
import { workTree } from '../run/supervised-run.js';
import type { SpoolCursor } from '../spool/spool-cursor.js';
import type { Wake } from '../spool/wake.js';
import type { Conversation } from './conversation.js';
import { closeWorkerStdin, type StdinWriter } from './stdin-writer.js';
import { type ExitCause, workerExit } from './worker-exit.js';
import { readWorkerOutput } from './worker-output.js';

export interface WorkerOptions {
  readonly context: Omit<SessionContextV1<unknown>, 'config'>;
  readonly folder: RunFolder;
  readonly handle: ProcessHandleV1;
  readonly spec: ProcessSpec;
  readonly conversation: Conversation;
  readonly stdin: StdinWriter;
  readonly wake: Wake;
  readonly phase: EndPhase;
  readonly from: SpoolCursor;
  /** JSON for the next worker; asked whenever the host asks. */
  resumeState(): Json;
  /** Called once at the end, also when the worker is left to live on. */
  onClosed(hasEnded: boolean): void;
}

/** Between two tries to end the stdin of a worker whose capsule does not listen yet. */
const closeAgainMs = 50;

/**
 * A worker process in conversation. `talking` → `ending` (stopped, or its stdin broke: the tree is being ended) → `gone`;
 * or → `left` (shutdown, fenced: the process lives on, this object is done). What makes an end of it first is its cause.
 */
export function createWorker(options: WorkerOptions): SessionWorkerV1 {
  const { context, conversation, folder, spec, stdin, wake, phase } = options;
  const tree = workTree({ handle: options.handle, runId: context.workerId });
  const leave = new AbortController();
  let cause: ExitCause | null = null;
  let ending: Promise<TerminationV1> | null = null;
  let isGone = false;

  const end = (reason: ExitCause, graceMs: number): Promise<TerminationV1> => {
    cause ??= reason;
    ending ??= endTree(tree, { signal: spec.signal ?? defaultSignal, graceMs, abort: leave.signal }).finally(wake.poke);
    // Awaited by `exited` and by whoever stops; until then a failure must not count as unhandled.
    ending.catch(() => {});
    return ending;
  };
  const leaveAlone = (reason: ExitCause): void => {
    cause ??= reason;
    leave.abort(new DOMException(reason.message, 'AbortError'));
    wake.poke();
  };
  const onAbort = (): void => {
    const { kind, message = '' } = context.signal.reason as AbortReasonV1;
    if (kind === 'host_shutdown' || kind === 'fenced') leaveAlone({ reason: kind, message });
    else void end({ reason: 'stop', message }, spec.graceMs ?? defaultGraceMs);
  };

  const write = async (line: string): Promise<SessionWriteV1> => {
    const written = isGone ? goneWrite : await stdin.write(line);
    // "Error but alive" must not exist: a worker that cannot be spoken to is ended.
    if (!written.written && !isGone)
      void end({ reason: written.reason, message: written.message }, spec.graceMs ?? defaultGraceMs);
    return written;
  };
  const writeAll = async (lines: readonly string[]): Promise<SessionWriteV1> => {
    let written: SessionWriteV1 = { written: true };
    for (const line of lines) if (written.written) written = await write(line);
    return written;
  };

  const follow = async (): Promise<WorkerExitV1> => {
    const reading = readWorkerOutput({
      folder,
      from: options.from,
      conversation,
      wake,
      phase,
      limitBytes: spec.spoolLimitBytes ?? defaultSpoolLimitBytes,
      onOutput: (output: SessionOutputV1, cursor: string) => context.onOutput(output, { cursor }),
      onFlood: () => void end({ reason: 'stop', message: floodMessage }, spec.graceMs ?? defaultGraceMs),
      detach: leave.signal,
    });
    // Once the worker is left alone, what becomes of the last output is the next host's to find out.
    reading.catch(() => {});
    try {
      const hasEnded = await Promise.race([reading, aborted(leave.signal)]);
      if (hasEnded) await ending;
      isGone = hasEnded;
      return workerExit(hasEnded ? phase.end : null, cause, folder);
    } catch (error) {
      // Only a host that gave the session up refuses its output.
      leaveAlone({ reason: 'fenced', message: `The host refused the worker’s output: ${String(error)}` });
      return workerExit(null, cause, folder);
    } finally {
      context.signal.removeEventListener('abort', onAbort);
      stdin.close();
      wake.close();
      phase.close();
      options.onClosed(isGone);
    }
  };

  /** Asks until the capsule's holder hears it: on a busy machine a worker may be stopped before its holder is up. */
  const endStdin = async (given: AbortSignal): Promise<void> => {
    while (!closeWorkerStdin(folder) && !given.aborted) await sleep(closeAgainMs, given);
  };
  const stop = async (graceMs: number): Promise<TerminationV1> => {
    cause ??= { reason: 'stop', message: '' };
    stdin.close();
    const timer = new AbortController();
    const asking = endStdin(timer.signal);
    // Awaited below; until then a failure must not count as unhandled.
    asking.catch(() => {});
    await Promise.race([exited, sleep(graceMs, timer.signal)]);
    timer.abort();
    await asking;
    if (isGone) return { stopped: 'graceful' };
    try {
      const { stopped } = await end({ reason: 'stop', message: '' }, graceMs);
      await exited;
      return { stopped: stopped === 'forced' ? 'forced' : 'graceful' };
    } catch (error) {
      if (leave.signal.aborted) return { stopped: 'already_gone' };
      throw error;
    }
  };
  let stopping: Promise<TerminationV1> | null = null;

  if (context.signal.aborted) onAbort();
  else context.signal.addEventListener('abort', onAbort, { once: true });
  const exited = follow();

  return {
    get resumeState() {
      return options.resumeState();
    },
    async prompt(promptId, prompt) {
      const written = await write(conversation.promptLine(promptId, prompt));
      if (!written.written) conversation.withdraw(promptId);
      return written;
    },
    cancel: async (promptId) => await writeAll(conversation.cancelLines(promptId)),
    async answer(requestId, answer) {
      const line = conversation.answerLine(requestId, answer);
      // The turn has settled in the meantime, and nobody waits for the answer.
      return line === null ? { written: true } : await write(line);
    },
    async stop({ graceMs }) {
      // A worker that was left to others is not ours to stop any more.
      if (isGone || leave.signal.aborted) return { stopped: 'already_gone' };
      stopping ??= stop(graceMs);
      return await stopping;
    },
    exited,
  };
}

const goneWrite = { written: false, reason: 'stdin_broken', message: 'The worker has ended.' } as const;
const floodMessage = 'The worker wrote more than spoolLimitBytes to one output stream and was ended.';

function aborted(signal: AbortSignal): Promise<false> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(false);
    else signal.addEventListener('abort', () => resolve(false), { once: true });
  });
}
