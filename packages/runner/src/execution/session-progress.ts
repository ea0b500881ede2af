import { createSaidReader, type RunnerLogLine, type RunnerSessionProgress } from '@runbeat/protocol';

/** How far a session's worker has come, as its log tells: everything that a restarted runner must know of it. */
export interface SessionProgress extends RunnerSessionProgress {
  /** Begun and without an outcome: the process that wrote it died, and the worker may have it or not. */
  readonly unwrittenSeq: number | null;
  /** Begun and not settled. */
  readonly promptsInFlight: readonly string[];
  /** Requests of the agent that nobody has answered. */
  readonly requestsOpen: readonly { readonly requestId: string; readonly promptId: string | null }[];
}

/** Follows one log, line by line. Written by the job's work only. */
export interface SessionProgressReader {
  take(line: RunnerLogLine): void;
  progress(): SessionProgress;
}

export function createSessionProgressReader(): SessionProgressReader {
  const said = createSaidReader();
  let progress: SessionProgress = {
    commandSeq: 0,
    promptId: null,
    unwrittenSeq: null,
    promptsInFlight: [],
    requestsOpen: [],
  };

  function settle(promptId: string): void {
    progress = {
      ...progress,
      promptsInFlight: progress.promptsInFlight.filter((id) => id !== promptId),
      requestsOpen: progress.requestsOpen.filter((request) => request.promptId !== promptId),
    };
  }

  return {
    take(line) {
      if (line.k === 'begun') {
        const { q, p, r } = line;
        progress = {
          commandSeq: q,
          promptId: p ?? progress.promptId,
          unwrittenSeq: q,
          promptsInFlight: p === undefined ? progress.promptsInFlight : [...progress.promptsInFlight, p],
          requestsOpen: progress.requestsOpen.filter((request) => request.requestId !== r),
        };
      } else if (line.k === 'wrote') {
        if (line.q === progress.unwrittenSeq) progress = { ...progress, unwrittenSeq: null };
      } else {
        const output = said.take(line);
        if (output === null) return;
        if (output.kind === 'completed' || output.kind === 'failed' || output.kind === 'cancelled') settle(output.promptId);
        else if (output.kind === 'request') {
          const { requestId, promptId } = output;
          progress = { ...progress, requestsOpen: [...progress.requestsOpen, { requestId, promptId }] };
        }
      }
    },
    progress: () => progress,
  };
}
