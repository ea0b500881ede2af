import { ServerError } from '../server-error.js';
import type { RunEnvironment } from '../supervisor/ports/index.js';
import type { RunTokens } from './run-tokens.js';
import { listSecretReferences, replaceSecrets } from './secret-references.js';
import type { SecretSource } from './secret-source.js';

export interface RunEnvironmentContext {
  readonly runTokens: RunTokens;
  readonly secrets: SecretSource;
  /** How the work reaches this server; known once it listens. */
  readonly apiUrl: () => string;
}

/** Resolves secrets and makes the run token, for one attempt of a run. What it resolved is kept nowhere. */
export function createRunEnvironment(context: RunEnvironmentContext): RunEnvironment {
  return {
    async prepare(run, agent, rawConfig) {
      const values = new Map<string, string>();
      for (const { name, path } of listSecretReferences(rawConfig)) {
        if (values.has(name)) continue;
        const value = await context.secrets.find(name);
        if (value === null) {
          throw new ServerError(
            'secret_missing',
            `The agent's config asks for the secret "${name}" (at ${path === '' ? 'its top' : path}), which is not in ${context.secrets.describe(name)}. Add it there.`,
          );
        }
        values.set(name, value);
      }
      const token = await context.runTokens.sign({ runId: run.id, agentId: agent.id, companyId: run.companyId });
      return {
        config: replaceSecrets(rawConfig, (name) => values.get(name) ?? null),
        environment: {
          RUNBEAT_API_URL: context.apiUrl(),
          RUNBEAT_RUN_ID: run.id,
          RUNBEAT_RUN_TOKEN: token,
          RUNBEAT_AGENT_ID: agent.id,
          RUNBEAT_COMPANY_ID: run.companyId,
          ...(run.issueId === null ? {} : { RUNBEAT_ISSUE_ID: run.issueId }),
          ...(run.taskKey === null ? {} : { RUNBEAT_TASK_KEY: run.taskKey }),
        },
        secrets: [...values.values(), token].filter((secret) => secret !== ''),
      };
    },
  };
}
