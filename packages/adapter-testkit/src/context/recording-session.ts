import {
  type AbortReasonV1,
  AdapterError,
  type Json,
  type LogMarkV1,
  type RunHandleV1,
  type SessionContextV1,
  type SessionOutputV1,
} from '@runbeat/adapter-sdk';

export interface RecordedOutput {
  readonly output: SessionOutputV1;
  readonly mark: LogMarkV1;
}

/** A session context that records what a worker says. */
export interface RecordingSession {
  readonly context: SessionContextV1;
  readonly outputs: readonly RecordedOutput[];
  readonly handle: RunHandleV1 | null;
  /** The cursor that a host would have stored last; null = none. */
  readonly lastCursor: string | null;
  /** How a prompt settled: its `completed`, `failed` or `cancelled`, all of them; one is right. */
  settlements(promptId: string): readonly SessionOutputV1[];
  abort(reason: AbortReasonV1): void;
  waitUntil(what: string, isMet: () => boolean, limitMs: number): Promise<void>;
}

let sessionCount = 0;

export interface RecordingSessionOptions {
  readonly config: unknown;
  readonly previousSession?: Json;
  /** The session that an earlier host began; absent = a new one. */
  readonly sessionId?: string;
}

export function createRecordingSession(options: RecordingSessionOptions): RecordingSession {
  sessionCount += 1;
  const sessionId = options.sessionId ?? `session-${process.pid}-${sessionCount}`;
  const controller = new AbortController();
  const outputs: RecordedOutput[] = [];
  const watchers = new Set<() => void>();
  let handle: RunHandleV1 | null = null;

  return {
    outputs,
    get handle() {
      return handle;
    },
    get lastCursor() {
      return outputs.reduce<string | null>((last, { mark }) => mark.cursor ?? last, null);
    },
    context: {
      sessionId,
      workerId: `${sessionId}-worker-1`,
      config: options.config,
      agent: { id: 'agent-1', companyId: 'company-1', name: 'Conformance', role: 'engineer' },
      environment: { RUNBEAT_RUN_ID: sessionId, RUNBEAT_RUN_TOKEN: `conformance-secret-${sessionId}` },
      previousSession: options.previousSession ?? null,
      signal: controller.signal,
      async onSpawn(given) {
        handle = given;
      },
      async onOutput(output, mark = {}) {
        outputs.push({ output, mark });
        for (const watch of [...watchers]) watch();
      },
      async onEvent() {},
    },
    settlements: (promptId) =>
      outputs
        .map(({ output }) => output)
        .filter(
          (output) =>
            (output.kind === 'completed' || output.kind === 'failed' || output.kind === 'cancelled') &&
            output.promptId === promptId,
        ),
    abort: (reason) => controller.abort(reason),
    waitUntil(what, isMet, limitMs) {
      return new Promise((resolve, reject) => {
        const watch = (): void => {
          if (!isMet()) return;
          clearTimeout(timer);
          watchers.delete(watch);
          resolve();
        };
        const timer = setTimeout(() => {
          watchers.delete(watch);
          const seen = outputs.slice(-8).map(({ output }) => JSON.stringify(output).slice(0, 120));
          reject(
            new AdapterError(
              'condition_not_met',
              `${limitMs} ms passed without: ${what}. Last outputs: ${seen.join(' ') || 'none'}.`,
            ),
          );
        }, limitMs);
        watchers.add(watch);
        watch();
      });
    },
  };
}
