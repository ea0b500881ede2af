import { join } from 'node:path';
import type { AbortReasonV1, Json, RunHandleV1, SessionContextV1, SessionOutputV1, SessionWorkerV1 } from '@runbeat/adapter-sdk';
import { afterEach, expect } from 'vitest';
import { createLocalAdapter, localConfig } from '../src/index.js';
import { type Bench, eventually, fixtureConfig } from './bench.js';

/** A conversation as a host has it. */
export interface Talk {
  readonly worker: SessionWorkerV1;
  readonly outputs: readonly SessionOutputV1[];
  readonly handle: RunHandleV1;
  readonly cursor: string | null;
  readonly workerId: string;
  abort(reason: AbortReasonV1): void;
  /** Waits for the settlement of a prompt and gives it. */
  settlement(promptId: string): Promise<SessionOutputV1>;
  waitFor(what: string, isIt: (output: SessionOutputV1) => boolean): Promise<SessionOutputV1>;
}

export interface TalkOptions {
  readonly previousSession?: Json;
  readonly onOutput?: (output: SessionOutputV1) => Promise<void>;
  readonly onSpawn?: () => Promise<void>;
  /** Default: longer than any machine takes. */
  readonly stdinDeadlineMs?: number;
}

export const lines = { protocol: 'json-rpc-lines' } as const;
export const acp = { protocol: 'acp' } as const;

/** Opens and takes over conversations; whatever a failed test left is ended. */
export function useTalks(bench: Bench) {
  let count = 0;
  let workers: SessionWorkerV1[] = [];
  afterEach(async () => {
    for (const worker of workers) await worker.stop({ graceMs: 100 });
    workers = [];
  });

  const hear = (rawConfig: object, workerId: string, options: TalkOptions) => {
    const stdinDeadlineMs = options.stdinDeadlineMs ?? 30_000;
    const adapter = createLocalAdapter({ runsDirectory: join(bench.folder, 'runs'), stdinDeadlineMs });
    const controller = new AbortController();
    const outputs: SessionOutputV1[] = [];
    const known: { handle: RunHandleV1 | null; cursor: string | null } = { handle: null, cursor: null };
    const context: SessionContextV1 = {
      sessionId: 'session-1',
      workerId,
      config: localConfig.parse(rawConfig),
      agent: { id: 'a', companyId: 'c', name: 'Ada', role: 'engineer' },
      environment: { RUNBEAT_RUN_ID: 'session-1' },
      previousSession: options.previousSession ?? null,
      signal: controller.signal,
      async onSpawn(handle) {
        known.handle = handle;
        await options.onSpawn?.();
      },
      async onOutput(output, mark) {
        outputs.push(output);
        known.cursor = mark?.cursor ?? known.cursor;
        await options.onOutput?.(output);
      },
      async onEvent() {},
    };
    const waitFor: Talk['waitFor'] = async (what, isIt) => {
      await eventually(what, () => outputs.some(isIt));
      return outputs.find(isIt) ?? expect.fail(what);
    };
    const talk = (worker: SessionWorkerV1, handle: RunHandleV1 | null): Talk => {
      workers.push(worker);
      return {
        worker,
        outputs,
        handle: handle ?? expect.fail('no handle'),
        get cursor() {
          return known.cursor;
        },
        workerId,
        abort: (reason) => controller.abort(reason),
        settlement: (promptId) => waitFor(`the settlement of ${promptId}`, (output) => isSettlement(output, promptId)),
        waitFor,
      };
    };
    return { adapter, context, known, talk, outputs };
  };

  return {
    async open(rawConfig: object, options: TalkOptions = {}): Promise<Talk> {
      count += 1;
      const heard = hear(rawConfig, `worker-${count}`, options);
      const worker = await heard.adapter.interactive?.open(heard.context);
      return heard.talk(worker ?? expect.fail('no worker'), heard.known.handle);
    },
    /** As a later host would, with what an earlier one had stored. */
    async reattach(rawConfig: object, earlier: EarlierTalk, options: TalkOptions = {}): Promise<Talk | null> {
      const heard = hear(rawConfig, earlier.workerId, options);
      const worker = await heard.adapter.interactive?.reattach?.({
        ...heard.context,
        handle: earlier.handle,
        afterCursor: earlier.cursor,
        promptsInFlight: earlier.promptsInFlight ?? [],
        requestsOpen: earlier.requestsOpen ?? [],
      });
      return worker ? heard.talk(worker, earlier.handle) : null;
    },
  };
}

export interface EarlierTalk {
  readonly workerId: string;
  readonly handle: RunHandleV1;
  readonly cursor: string | null;
  readonly promptsInFlight?: readonly string[];
  readonly requestsOpen?: readonly string[];
}

export function isSettlement(output: SessionOutputV1, promptId: string): boolean {
  return (output.kind === 'completed' || output.kind === 'failed' || output.kind === 'cancelled') && output.promptId === promptId;
}

export function talker(...args: string[]) {
  return { ...fixtureConfig('talker', ...args), interactive: lines, graceMs: 1_000 };
}

export function acpAgent(...args: string[]) {
  return { ...fixtureConfig('acp-agent', ...args), interactive: acp, graceMs: 1_000 };
}
