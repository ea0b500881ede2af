import type { AdapterV1 } from '@runbeat/adapter-sdk';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Agent, createRandomId, type InstanceId } from '../supervisor/model/index.js';
import { noLogger, noMetrics } from '../supervisor/ports/index.js';
import { isSettled } from './session.js';
import { createSessionService } from './session-service.js';
import { defaultSessionSettings } from './session-settings.js';
import { createManualClock, settleDown } from './testing/manual-clock.js';
import { createMemorySessionStore } from './testing/memory-session-store.js';
import { anySchema, createScriptedInteractive } from './testing/scripted-worker.js';

const agent = {
  id: createRandomId(),
  companyId: createRandomId(),
  name: 'talker',
  role: 'agent',
  adapterType: 'scripted',
  runtimeConfig: { placement: null },
} as unknown as Agent;

type Action =
  | 'prompt'
  | 'prompt-again'
  | 'acknowledge'
  | 'update'
  | 'complete'
  | 'fail'
  | 'exit'
  | 'kill'
  | 'break-stdin'
  | 'cancel'
  | 'restart'
  | 'stop'
  | 'crash-server'
  | 'database-fails'
  | 'time-passes';
const actions: readonly Action[] = [
  'prompt',
  'prompt',
  'prompt',
  'prompt-again',
  'acknowledge',
  'update',
  'complete',
  'complete',
  'fail',
  'exit',
  'kill',
  'break-stdin',
  'cancel',
  'restart',
  'stop',
  'crash-server',
  'database-fails',
  'time-passes',
];

it('settles each prompt exactly once under its own id, whatever happens in between, and is busy exactly while one is unsettled', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ action: fc.constantFrom(...actions), isQuiet: fc.boolean() }), { minLength: 5, maxLength: 60 }),
      async (steps) => {
        const store = createMemorySessionStore();
        const clock = createManualClock();
        const scripted = createScriptedInteractive();
        let instance = 0;
        store.isInstanceAlive = (id) => id === `instance-${instance}`;
        const start = () =>
          createSessionService({
            store,
            clock,
            instanceId: (() => {
              const own = `instance-${instance}` as InstanceId;
              return () => own;
            })(),
            logger: noLogger,
            metrics: noMetrics,
            settings: defaultSessionSettings,
            placeOf: () => null,
            getAgent: async () => agent,
            prepare: async () => ({ config: {}, environment: {} }),
            adapters: {
              find: () => ({
                found: true,
                version: null,
                adapter: { interactive: scripted.interactive, configSchema: anySchema } as unknown as AdapterV1,
              }),
              onChange: () => () => undefined,
            },
          });
        let service = start();
        const { id } = (await service.create(agent, { isStarted: true })).session;
        const stop = new AbortController();
        const followed: number[] = [];
        const follow = async (): Promise<void> => {
          for await (const page of service.follow(id, followed.at(-1) ?? 0, stop.signal))
            followed.push(...page.map((entry) => entry.seq));
        };
        void follow();
        /** What callers were told, by prompt id: never two different outcomes. */
        const told = new Map<string, Set<string>>();
        let prompts = 0;
        const send = (promptId: string): void => {
          service.message(id, { id: promptId, prompt: promptId, wait: 'settled' }).then(
            (prompt) => told.set(promptId, (told.get(promptId) ?? new Set()).add(prompt.state)),
            () => undefined,
          );
        };

        for (const { action, isQuiet } of steps) {
          const process = scripted.processes.findLast((each) => each.isAlive());
          const inFlight = (await service.get(id))?.promptInFlight ?? 'none';
          if (action === 'prompt') {
            prompts += 1;
            send(`p${prompts}`);
          }
          if (action === 'prompt-again') send(`p${prompts}`);
          else if (action === 'acknowledge') void process?.say({ kind: 'acknowledged', promptId: inFlight });
          else if (action === 'update') void process?.say({ kind: 'update', promptId: inFlight, update: 1 });
          else if (action === 'complete') void process?.say({ kind: 'completed', promptId: inFlight, result: 1 });
          else if (action === 'fail') void process?.say({ kind: 'failed', promptId: inFlight, code: 'refused', message: 'no' });
          else if (action === 'exit') process?.exit({ exitCode: 0 });
          else if (action === 'kill') process?.exit({ reason: 'process_signal', signal: 'SIGKILL' });
          else if (action === 'break-stdin' && process)
            process.writeResult = { written: false, reason: 'stdin_broken', message: 'EPIPE' };
          else if (action === 'cancel') void service.cancel(id, null).catch(() => undefined);
          else if (action === 'restart') void service.restart(id).catch(() => undefined);
          else if (action === 'stop') void service.stop(id, { isFinal: false }).catch(() => undefined);
          else if (action === 'database-fails') store.failNext = 2;
          else if (action === 'time-passes') clock.advance(40_000);
          else if (action === 'crash-server') {
            instance += 1;
            service = start();
            await service.runOnce();
          }
          if (!isQuiet) await settleDown();
        }
        // Let it come to rest: no more faults, time passes, the agent answers what is in flight.
        for (let turn = 0; turn < 6; turn += 1) {
          await settleDown();
          clock.advance(40_000);
          await settleDown();
          const inFlight = (await service.get(id))?.promptInFlight;
          if (inFlight)
            void scripted.processes
              .findLast((process) => process.isAlive())
              ?.say({ kind: 'completed', promptId: inFlight, result: 1 });
        }
        await settleDown();
        stop.abort();

        const view = await service.get(id);
        const stored = store.promptsOf(id);
        const settled = store.settlements.map(({ promptId }) => promptId);
        expect(new Set(settled).size).toBe(settled.length);
        expect(stored.filter((prompt) => !isSettled(prompt)).map((prompt) => prompt.id)).toEqual(
          view?.promptInFlight ? [view.promptInFlight] : [],
        );
        if (
          view?.session.state === 'idle' ||
          view?.session.state === 'stopped' ||
          view?.session.state === 'error' ||
          view?.session.state === 'crashed'
        )
          expect(view.promptInFlight).toBeNull();
        expect(['busy', 'cancelling', 'stopping', 'restarting']).not.toContain(view?.session.state);
        for (const [promptId, states] of told) {
          expect([promptId, [...states]]).toEqual([promptId, [stored.find((prompt) => prompt.id === promptId)?.state]]);
        }
        expect(followed).toEqual(followed.map((_, index) => index + 1));
        expect(scripted.processes.filter((process) => process.isAlive()).length).toBeLessThanOrEqual(1);
      },
    ),
    { numRuns: 150 },
  );
});
