import type { Json } from '@runbeat/adapter-sdk';
import { listSecretReferences, replaceSecrets } from '../security/secret-references.js';
import type { SecretSource } from '../security/secret-source.js';
import { ServerError } from '../server-error.js';
import type { Session } from '../sessions/index.js';
import type { Agent } from '../supervisor/model/index.js';

/** Config with its secrets and the variables of a session's worker. A session has no run token: it is no run. */
export function prepareSession(context: { readonly secrets: SecretSource; readonly apiUrl: () => string }) {
  return async (session: Session, agent: Agent): Promise<{ config: Json; environment: Readonly<Record<string, string>> }> => {
    const values = new Map<string, string>();
    for (const { name } of listSecretReferences(agent.adapterConfig)) {
      const value = values.get(name) ?? (await context.secrets.find(name));
      if (value === null)
        throw new ServerError(
          'secret_missing',
          `The agent's config asks for the secret "${name}", which is not in ${context.secrets.describe(name)}. Add it there.`,
        );
      values.set(name, value);
    }
    return {
      config: replaceSecrets(agent.adapterConfig, (name) => values.get(name) ?? null),
      environment: {
        RUNBEAT_API_URL: context.apiUrl(),
        RUNBEAT_SESSION_ID: session.id,
        RUNBEAT_AGENT_ID: agent.id,
        RUNBEAT_COMPANY_ID: session.companyId,
      },
    };
  };
}
