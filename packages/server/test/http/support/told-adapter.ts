import { type AdapterV1, defineAdapter } from '@runbeat/adapter-sdk';
import { z } from 'zod';

/** Runs inside the test: prints what its config says, then ends, or waits until it is stopped. */
export interface ToldAdapter {
  readonly adapter: AdapterV1;
  /** The environment that the run of this id got; undefined = it has not started. */
  environmentOf(runId: string): Readonly<Record<string, string>> | undefined;
  configOf(runId: string): unknown;
  /** Lets a run that waits end well. */
  finish(runId: string): void;
  /** Prints into a running run. */
  print(runId: string, text: string): Promise<void>;
}

export const toldConfigSchema = z.strictObject({
  lines: z.array(z.string()).default([]),
  /** Print the values of these variables of `env`. */
  printEnv: z.boolean().default(false),
  isWaiting: z.boolean().default(false),
  /** End with the values of `env` in everything that an outcome may hold. */
  ending: z.enum(['well', 'failure', 'rejection']).default('well'),
  env: z.record(z.string(), z.string()).default({}),
});

export function createToldAdapter(): ToldAdapter {
  const environments = new Map<string, Readonly<Record<string, string>>>();
  const configs = new Map<string, unknown>();
  const finishers = new Map<string, () => void>();
  const printers = new Map<string, (text: string) => Promise<void>>();
  return {
    environmentOf: (runId) => environments.get(runId),
    configOf: (runId) => configs.get(runId),
    finish: (runId) => finishers.get(runId)?.(),
    print: (runId, text) => printers.get(runId)?.(text) ?? Promise.resolve(),
    adapter: defineAdapter({
      specVersion: 'adapter-v1',
      type: 'told',
      configSchema: toldConfigSchema,
      hasOutOfProcessLiveness: false,
      async execute(context) {
        environments.set(context.runId, context.environment);
        configs.set(context.runId, context.config);
        printers.set(context.runId, (text) => context.onLog('stdout', text));
        for (const line of context.config.lines) await context.onLog('stdout', `${line}\n`);
        if (context.config.printEnv) {
          for (const value of Object.values(context.config.env)) {
            // In two pieces, so that a secret is cut.
            const middle = Math.ceil(value.length / 2);
            await context.onLog('stdout', `value ${value.slice(0, middle)}`);
            await context.onLog('stdout', `${value.slice(middle)} end\n`);
          }
          await context.onEvent({ type: 'told', level: 'info', message: `env ${Object.values(context.config.env).join()}` });
        }
        const values = Object.values(context.config.env).join();
        if (context.config.ending === 'rejection') throw new ToldToReject(`refused ${values}`);
        if (context.config.ending === 'failure') {
          const error = { code: 'told.refused', message: `refused ${values}`, retryable: false, detail: { values } };
          return { status: 'failed', error, summary: values, resultJson: { [values]: [values] }, session: { values } };
        }
        if (!context.config.isWaiting) return { status: 'succeeded' };
        const isAborted = await new Promise<boolean>((resolve) => {
          finishers.set(context.runId, () => resolve(false));
          if (context.signal.aborted) resolve(true);
          context.signal.addEventListener('abort', () => resolve(true), { once: true });
        });
        return isAborted ? { status: 'cancelled', forced: false } : { status: 'succeeded' };
      },
    }),
  };
}

class ToldToReject extends Error {}
