import { AdapterError, type AdapterV1, type TerminateContextV1, type TerminationV1 } from '@runbeat/adapter-sdk';
import { createPaperclipConfigSchema } from './config.js';
import type { PaperclipExecuteContext } from './context.js';
import { isOfThisBoot } from './handle.js';
import { isPaperclipModule, type PaperclipServerAdapter, paperclipError, serverAdapterFromModule } from './paperclip-module.js';
import { executeModule, graceOf } from './start.js';
import { stopRunProcesses } from './stop.js';
import { testModuleEnvironment } from './test-environment.js';

export interface LiftOptions {
  /** Other modules of the same package; packages of the older shape keep their `type` in the main one. */
  readonly siblings?: readonly unknown[];
}

/**
 * An `adapter-v1` of a published Paperclip adapter module (see `isPaperclipModule`). Its work ends with the host, unless
 * the module says `hasOutOfProcessLiveness: true`: then output alone proves its life (`log-driven`).
 * @throws AdapterError `paperclip_module_invalid` when the module lacks `type` or `execute`.
 */
export async function liftPaperclipModule(module: unknown, options: LiftOptions = {}): Promise<AdapterV1> {
  const server = await serverAdapterFromModule(module, options.siblings ?? []);
  const { testEnvironment } = server;
  const core = {
    specVersion: 'adapter-v1',
    type: server.type,
    configSchema: await createPaperclipConfigSchema(server),
    execute: (context: PaperclipExecuteContext) => executeModule(server, context),
    ...(testEnvironment ? { testEnvironment: (context) => testModuleEnvironment({ ...server, testEnvironment }, context) } : {}),
  } satisfies Partial<AdapterV1>;
  if (!server.hasOutOfProcessLiveness) return { ...core, hasOutOfProcessLiveness: false };
  return {
    ...core,
    hasOutOfProcessLiveness: true,
    outOfProcess: { kind: 'log-driven', terminate: (context) => terminateModule(server, context) },
  };
}

/** Named by path to `@runbeat/adapter-host`, which loads it in the adapter's worker. */
export const adapterLifter = {
  canLift: isPaperclipModule,
  lift: (module: unknown, context: { readonly siblings: readonly unknown[] }): Promise<AdapterV1> =>
    liftPaperclipModule(module, { siblings: context.siblings }),
};

async function terminateModule(
  server: PaperclipServerAdapter,
  context: TerminateContextV1<Readonly<Record<string, unknown>>>,
): Promise<TerminationV1> {
  const { handle, runId } = context;
  if (handle?.kind === 'external') throw new AdapterError('invalid_argument', `A run of ${server.type} has a process handle.`);
  // Another boot or machine: nothing of it can be alive here.
  if (handle && !isOfThisBoot(handle)) return { stopped: 'already_gone' };
  const { stopped, isGone } = await stopRunProcesses({
    runId,
    handles: handle ? [handle] : [],
    graceMs: graceOf(context.config),
  });
  if (!isGone) throw paperclipError('paperclip_module_failed', `Processes of run ${runId} are alive after SIGKILL.`);
  return { stopped };
}
