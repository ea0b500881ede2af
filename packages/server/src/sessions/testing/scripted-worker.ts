import type {
  AdapterV1,
  InteractiveV1,
  Json,
  SessionContextV1,
  SessionWorkerV1,
  SessionWriteV1,
  WorkerExitV1,
} from '@runbeat/adapter-sdk';

/** A config schema that takes everything. */
export const anySchema: AdapterV1['configSchema'] = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) },
};

/** One scripted process: it lives on when the host is gone, as a real worker in its capsule does. */
export interface ScriptedProcess {
  readonly workerId: string;
  readonly written: { readonly promptId: string; readonly prompt: Json }[];
  readonly cancels: string[];
  readonly isAlive: () => boolean;
  /** What the next writes come to. */
  writeResult: SessionWriteV1;
  say(output: Parameters<SessionContextV1['onOutput']>[0]): Promise<void>;
  exit(exit?: Partial<WorkerExitV1>): void;
  stopCount: number;
}

/** An interactive adapter whose processes a test moves by hand. */
export function createScriptedInteractive(options: { readonly failStart?: () => string | null } = {}): {
  readonly interactive: InteractiveV1;
  readonly processes: ScriptedProcess[];
  readonly latest: () => ScriptedProcess;
} {
  const processes: ScriptedProcess[] = [];
  const attachments = new Map<string, { process: ScriptedProcess; attach: (context: SessionContextV1) => SessionWorkerV1 }>();

  function createProcess(first: SessionContextV1): SessionWorkerV1 {
    let context = first;
    let isAlive = true;
    let cursor = 0;
    let resolveExit: (exit: WorkerExitV1) => void = () => undefined;
    let exited = new Promise<WorkerExitV1>((resolve) => {
      resolveExit = resolve;
    });
    const process: ScriptedProcess = {
      workerId: first.workerId,
      written: [],
      cancels: [],
      isAlive: () => isAlive,
      writeResult: { written: true },
      stopCount: 0,
      say(output) {
        cursor += 1;
        return context.onOutput(output, { cursor: String(cursor) });
      },
      exit(exit = {}) {
        if (!isAlive) return;
        isAlive = false;
        resolveExit({ exitCode: null, signal: null, reason: 'process_exit', message: 'it ended', stderrTail: '', ...exit });
      },
    };
    const attach = (next: SessionContextV1): SessionWorkerV1 => {
      context = next;
      if (isAlive)
        exited = new Promise((resolve) => {
          resolveExit = resolve;
        });
      return {
        resumeState: null,
        exited,
        prompt: async (promptId, prompt) => {
          if (!isAlive) return { written: false, reason: 'stdin_broken', message: 'nobody reads' };
          if (process.writeResult.written) process.written.push({ promptId, prompt });
          return process.writeResult;
        },
        cancel: async (promptId) => {
          process.cancels.push(promptId);
          return { written: isAlive } as SessionWriteV1;
        },
        answer: async () => process.writeResult,
        stop: async () => {
          process.stopCount += 1;
          const wasAlive = isAlive;
          process.exit({ reason: 'stop', signal: 'SIGTERM', message: 'it was stopped' });
          return { stopped: wasAlive ? 'graceful' : 'already_gone' };
        },
      };
    };
    processes.push(process);
    attachments.set(first.workerId, { process, attach });
    return attach(first);
  }

  return {
    processes,
    latest: () => {
      const last = processes.at(-1);
      if (!last) throw new Error('no process was started');
      return last;
    },
    interactive: {
      protocol: 'json-rpc-lines',
      async open(context) {
        const failure = options.failStart?.();
        if (failure) throw new Error(failure);
        // As with a capsule: the process is there before it is announced, and goes when that is refused.
        const worker = createProcess(context);
        try {
          await context.onSpawn({ kind: 'external', formatVersion: 1, ref: { workerId: context.workerId } });
        } catch (error) {
          await worker.stop({ graceMs: 0 });
          throw error;
        }
        return worker;
      },
      async reattach(context) {
        const known = attachments.get((context.handle as unknown as { ref: { workerId: string } }).ref.workerId);
        return known?.process.isAlive() ? known.attach(context) : null;
      },
    },
  };
}
