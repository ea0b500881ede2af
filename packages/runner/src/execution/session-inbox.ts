import type { SessionWorkerV1, SessionWriteV1 } from '@runbeat/adapter-sdk';
import type { RunnerLogLine, RunnerSessionAction, RunnerSessionCommand } from '@runbeat/protocol';

/**
 * What the server wants written to a session's worker. Each command is begun once, in the order of the numbers, and only
 * after its beginning is in the log's file: what was not begun is sent again by the server, also to the next process.
 */
export interface SessionInbox {
  /** Commands of a poll, new and known ones. */
  take(commands: readonly RunnerSessionCommand[]): void;
  /** Forgets what was not begun. Before a report opens a new session: the server numbers on from what it hears there. */
  forget(): void;
  /** The worker is up. */
  open(worker: SessionWorkerV1): void;
  /** Nothing is begun afterwards. */
  close(): void;
}

export interface SessionInboxOptions {
  /** Number of the last command that was begun. */
  begunSeq(): number;
  append(line: RunnerLogLine): Promise<void>;
  /** Resolves when everything that was appended is in the file. */
  flush(): Promise<void>;
  onError(error: unknown): void;
}

export function createSessionInbox(options: SessionInboxOptions): SessionInbox {
  const waiting = new Map<number, RunnerSessionAction>();
  let worker: SessionWorkerV1 | null = null;
  let isWriting = false;

  async function writeAll(): Promise<void> {
    for (;;) {
      const seq = options.begunSeq() + 1;
      const action = waiting.get(seq);
      const target = worker;
      if (action === undefined || target === null) return;
      waiting.delete(seq);
      await options.append(begunLine(seq, action));
      await options.flush();
      const write = await writeAction(target, action);
      await options.append(write.written ? { k: 'wrote', q: seq } : { k: 'wrote', q: seq, e: write.reason, m: write.message });
    }
  }

  function start(): void {
    if (isWriting) return;
    isWriting = true;
    void writeAll()
      .catch(options.onError)
      .finally(() => {
        isWriting = false;
        if (worker !== null && waiting.has(options.begunSeq() + 1)) start();
      });
  }

  return {
    take(commands) {
      for (const { seq, action } of commands) if (seq > options.begunSeq()) waiting.set(seq, action);
      start();
    },
    forget: () => waiting.clear(),
    open(next) {
      worker = next;
      start();
    },
    close() {
      worker = null;
      waiting.clear();
    },
  };
}

function begunLine(seq: number, action: RunnerSessionAction): RunnerLogLine {
  switch (action.kind) {
    case 'prompt':
      return { k: 'begun', q: seq, p: action.promptId };
    case 'cancel':
      return { k: 'begun', q: seq };
    case 'answer':
      return { k: 'begun', q: seq, r: action.requestId };
  }
}

async function writeAction(worker: SessionWorkerV1, action: RunnerSessionAction): Promise<SessionWriteV1> {
  try {
    switch (action.kind) {
      case 'prompt':
        return await worker.prompt(action.promptId, action.prompt);
      case 'cancel':
        return await worker.cancel(action.promptId);
      case 'answer':
        return await worker.answer(action.requestId, action.answer);
    }
  } catch (error) {
    // The contract says that a write never throws; one that does is broken all the same.
    return { written: false, reason: 'stdin_broken', message: error instanceof Error ? error.message : String(error) };
  }
}
