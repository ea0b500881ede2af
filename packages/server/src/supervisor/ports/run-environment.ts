import type { Json } from '@runbeat/adapter-sdk';
import type { Agent, Run } from '../model/index.js';

/** What a run gets beside its config, and what must never be shown. */
export interface RunEnvironment {
  /**
   * Resolves `{ "$secret": "NAME" }` in the config and makes the run token. Rejects with code `secret_missing`, naming
   * the secret and where it was looked for. Never stores what it resolved.
   */
  prepare(
    run: Run,
    agent: Agent,
    rawConfig: Json,
  ): Promise<{
    readonly config: Json;
    readonly environment: Readonly<Record<string, string>>;
    /** Values to replace in everything that is stored. */
    readonly secrets: readonly string[];
  }>;
}
