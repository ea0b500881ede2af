import type { ExecuteContextV1, Json } from '@runbeat/adapter-sdk';
import { isMembers, type PaperclipServerAdapter } from './paperclip-module.js';
import { runtimeFromSession } from './session.js';

type Config = Readonly<Record<string, unknown>>;
export type PaperclipExecuteContext = ExecuteContextV1<Config>;

/** The functions that a module reports through; see `createModuleReports`. */
export interface PaperclipCallbacks {
  onLog(stream: unknown, chunk: unknown): Promise<void>;
  onMeta(meta: unknown): Promise<void>;
  onEvent(event: unknown): Promise<void>;
  onSpawn(meta: unknown): Promise<void>;
}

/** What a module's `execute` gets. Members that a module does not know do it no harm. */
export function moduleContext(
  module: PaperclipServerAdapter,
  context: PaperclipExecuteContext,
  callbacks: PaperclipCallbacks,
): Record<string, unknown> {
  const config = moduleConfig(context);
  return {
    runId: context.runId,
    agent: {
      id: context.agent.id,
      companyId: context.agent.companyId,
      name: context.agent.name,
      role: context.agent.role,
      adapterType: module.type,
      adapterConfig: config,
    },
    runtime: runtimeFromSession(context.previousSession, context.input.taskKey, module.sessionCodec),
    config,
    context: wakeContext(context),
    authToken: context.environment['RUNBEAT_RUN_TOKEN'],
    /** Paperclip knows no signal; a module that looks for one can end its work by itself. */
    signal: context.signal,
    ...callbacks,
  };
}

/**
 * The agent's config with what the run adds: the `RUNBEAT_*` variables for the child (they are also how the child is
 * found when it must be stopped), and the run's prompt where the operator wrote no template of his own.
 */
function moduleConfig(context: PaperclipExecuteContext): Record<string, unknown> {
  const { config, environment, input } = context;
  const ownEnvironment = isMembers(config['env']) ? config['env'] : {};
  const hasTemplate = typeof config['promptTemplate'] === 'string' && config['promptTemplate'].trim() !== '';
  return {
    ...config,
    env: { ...ownEnvironment, ...environment },
    ...(hasTemplate || input.prompt === null ? {} : { promptTemplate: '{{context.prompt}}' }),
  };
}

/** Paperclip's free `context`: the wakeup's payload under the names that modules look for. */
function wakeContext({ input }: PaperclipExecuteContext): Record<string, Json> {
  const payload = isMembers(input.payload) ? (input.payload as Record<string, Json>) : {};
  return {
    ...payload,
    prompt: input.prompt,
    wakeReason: input.reason,
    wakeSource: input.source,
    ...(input.taskKey === null ? {} : { taskKey: input.taskKey }),
    ...(input.issue === null
      ? {}
      : { taskId: input.issue.id, issueId: input.issue.id, issueTitle: input.issue.title, issueStatus: input.issue.status }),
  };
}
