import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { defineAdapter } from './define-adapter.js';
import { executeFromEvents } from './execute-from-events.js';
import type { AdapterV1 } from './v1/adapter-v1.js';
import type { RunResultV1 } from './v1/run-result-v1.js';
import type { TerminationV1 } from './v1/termination-v1.js';

const configSchema = z.strictObject({ command: z.string(), retries: z.number().default(3) });
type Config = { command: string; retries: number };
const done: RunResultV1 = { status: 'succeeded' };
const gone: TerminationV1 = { stopped: 'already_gone' };

describe('defineAdapter', () => {
  it('infers the config when the schema comes first', () => {
    const adapter = defineAdapter({
      specVersion: 'adapter-v1',
      type: 'acme',
      configSchema,
      hasOutOfProcessLiveness: false,
      async execute(context) {
        expectTypeOf(context.config).toEqualTypeOf<Config>();
        return done;
      },
      async testEnvironment({ config }) {
        expectTypeOf(config).toEqualTypeOf<Config>();
        return { checks: [] };
      },
    });
    expectTypeOf(adapter).toEqualTypeOf<AdapterV1>();
  });

  it('infers the config when the schema comes last, for methods and arrow functions', () => {
    defineAdapter({
      hasOutOfProcessLiveness: true,
      outOfProcess: {
        kind: 'handle',
        async probe({ config }) {
          expectTypeOf(config).toEqualTypeOf<Config>();
          return { state: 'gone' };
        },
        reattach: async ({ config, afterCursor }) => {
          expectTypeOf(config).toEqualTypeOf<Config>();
          expectTypeOf(afterCursor).toEqualTypeOf<string | null>();
          return done;
        },
        terminate: async (context) => {
          expectTypeOf(context.config).toEqualTypeOf<Config>();
          return gone;
        },
      },
      execute: async (context) => {
        expectTypeOf(context.config).toEqualTypeOf<Config>();
        return done;
      },
      type: 'acme',
      configSchema,
      specVersion: 'adapter-v1',
    });
  });

  it('takes executeFromEvents with the config named', () => {
    defineAdapter({
      specVersion: 'adapter-v1',
      type: 'acme',
      hasOutOfProcessLiveness: false,
      execute: executeFromEvents<Config>(async function* ({ config }) {
        yield { type: 'log', stream: 'stdout', text: config.command };
        return done;
      }),
      configSchema,
    });
  });

  it('erases the config, so that a host keeps all adapters in one map', () => {
    const registry = new Map<string, AdapterV1>();
    const other = defineAdapter({
      specVersion: 'adapter-v1',
      type: 'other',
      configSchema: z.object({ url: z.url() }),
      hasOutOfProcessLiveness: false,
      execute: async () => done,
    });
    registry.set(other.type, other);
  });

  it('does not compile with the flag left out, true without outOfProcess, or false with it', () => {
    const core = { specVersion: 'adapter-v1', type: 'acme', configSchema, execute: async () => done } as const;
    const outOfProcess = { kind: 'log-driven', terminate: async () => gone } as const;
    // @ts-expect-error the flag is required: there is no default for "does the work outlive the host"
    defineAdapter({ ...core });
    // @ts-expect-error the flag is required with outOfProcess, too
    defineAdapter({ ...core, outOfProcess });
    // @ts-expect-error true promises methods that are missing
    defineAdapter({ ...core, hasOutOfProcessLiveness: true });
    // @ts-expect-error false forbids them
    defineAdapter({ ...core, hasOutOfProcessLiveness: false, outOfProcess });
    const probe = async () => ({ state: 'gone' }) as const;
    // @ts-expect-error log-driven work cannot be probed
    defineAdapter({ ...core, hasOutOfProcessLiveness: true, outOfProcess: { ...outOfProcess, probe } });
    // @ts-expect-error another version is another contract
    defineAdapter({ ...core, specVersion: 'adapter-v2', hasOutOfProcessLiveness: false });
    defineAdapter({ ...core, hasOutOfProcessLiveness: false });
    defineAdapter({ ...core, hasOutOfProcessLiveness: true, outOfProcess });
  });
});
