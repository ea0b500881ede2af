import type { ExecuteContextV1, RunEventV1, RunHandleV1 } from '@runbeat/adapter-sdk';

/** A context that records what the adapter reports, and the switch that aborts it. */
export interface RecordingContext extends ExecuteContextV1 {
  readonly logs: { stream: string; text: string; cursor: string | undefined }[];
  readonly events: RunEventV1[];
  readonly handles: RunHandleV1[];
  readonly controller: AbortController;
  /** Resolves at the first log that contains `text`. */
  logged(text: string): Promise<void>;
}

export function executeContext(config: unknown, overrides: Partial<ExecuteContextV1> = {}): RecordingContext {
  const logs: RecordingContext['logs'] = [];
  const events: RunEventV1[] = [];
  const handles: RunHandleV1[] = [];
  const waiting: { text: string; resolve: () => void }[] = [];
  const controller = new AbortController();
  return {
    runId: 'run-1',
    attempt: 1,
    config,
    agent: { id: 'agent-1', companyId: 'company-1', name: 'Ada', role: 'engineer' },
    input: { prompt: 'do it', reason: null, source: 'on_demand', payload: null, issue: null, taskKey: null },
    previousSession: null,
    environment: { RUNBEAT_RUN_ID: 'run-1' },
    signal: controller.signal,
    async onLog(stream, text, mark) {
      logs.push({ stream, text, cursor: mark?.cursor });
      for (const one of waiting) if (text.includes(one.text)) one.resolve();
    },
    onAlive: async () => undefined,
    async onEvent(event) {
      events.push(event);
    },
    async onSpawn(handle) {
      handles.push(handle);
    },
    ...overrides,
    logs,
    events,
    handles,
    controller,
    logged: (text) =>
      logs.some((log) => log.text.includes(text)) ? Promise.resolve() : new Promise((resolve) => waiting.push({ text, resolve })),
  };
}
