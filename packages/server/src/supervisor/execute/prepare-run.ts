import { type AdapterV1, type Json, parseAdapterConfig, type RunInputV1 } from '@runbeat/adapter-sdk';
import { configOverrideOf } from '../admit/new-work.js';
import { type Agent, errorCodeOf, errorMessageOf, type Issue, type Run } from '../model/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';

export interface PreparedRun {
  /** What the adapter's schema gave. */
  readonly config: unknown;
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

export type Preparation =
  | { readonly ok: true; readonly prepared: PreparedRun }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** Resolves secrets and parses the config. A refusal is an outcome of the run, never an exception. */
export async function prepareRun(
  dependencies: Pick<SupervisorDependencies, 'environment'>,
  run: Run,
  agent: Agent,
  adapter: AdapterV1,
): Promise<Preparation> {
  const rawConfig = configForRun(run, agent);
  let resolved: { config: Json; environment: Readonly<Record<string, string>>; secrets: readonly string[] };
  try {
    resolved = await dependencies.environment.prepare(run, agent, rawConfig);
  } catch (error) {
    const code = errorCodeOf(error);
    // A code in our form (`secret_missing`) names what is wrong; anything else would only confuse in a run's row.
    return {
      ok: false,
      code: code !== null && /^[a-z][a-z_]+$/.test(code) ? code : 'config_invalid',
      message: errorMessageOf(error),
    };
  }
  const parsed = await parseAdapterConfig(adapter, resolved.config);
  if (parsed.ok) {
    const { environment, secrets } = resolved;
    return { ok: true, prepared: { config: parsed.value, environment, secrets } };
  }
  const issues = parsed.issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ');
  return {
    ok: false,
    code: 'config_invalid',
    message: `The config of agent ${agent.name} does not fit adapter ${adapter.type}: ${issues}`,
  };
}

/** The agent's config as it is now, with the members that the run replaces. Secrets are still references. */
function configForRun(run: Run, agent: Agent): Json {
  const override = configOverrideOf(run.contextSnapshot.adapterConfigOverride);
  const { adapterConfig } = agent;
  if (override === null) return adapterConfig;
  const isObject = typeof adapterConfig === 'object' && adapterConfig !== null && !Array.isArray(adapterConfig);
  return isObject ? { ...adapterConfig, ...override } : override;
}

/** What the run is asked to do; wakes that were folded into it add their prompts. */
export function runInput(run: Run, issue: Issue | null): RunInputV1 {
  const { prompt, reason, payload, coalesced } = run.contextSnapshot;
  const prompts = [prompt, ...coalesced.map((wakeup) => wakeup.prompt)].filter((text) => text !== null);
  return {
    prompt: prompts.length === 0 ? null : prompts.join('\n\n'),
    reason,
    source: run.invocationSource,
    payload,
    issue: issue && { id: issue.id, title: issue.title, description: issue.description, status: issue.status },
    taskKey: run.taskKey,
  };
}
