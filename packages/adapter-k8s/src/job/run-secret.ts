import type { RunInputV1 } from '@runbeat/adapter-sdk';
import { AdapterError } from '@runbeat/adapter-sdk';
import type { K8sConfig } from '../config.js';
import { logModeOf } from '../config.js';
import { shimProgram } from '../logs/shim-program.js';
import type { WireSecret } from '../wire.js';

/** Paths in the container that belong to the adapter. */
export const containerPaths = {
  work: '/runbeat/work',
  input: '/runbeat/input',
  prompt: '/runbeat/input/prompt',
  payload: '/runbeat/input/input.json',
  shimFolder: '/runbeat/shim',
  shim: '/runbeat/shim/shim.mjs',
  spool: '/runbeat/spool',
  terminationLog: '/dev/termination-log',
} as const;

/** Keys of the Secret: `env.NAME` for each variable, and the files that the container sees. */
export const secretKeys = { prompt: 'prompt', payload: 'input.json', shim: 'shim.mjs', envPrefix: 'env.' } as const;

/** What the API server takes; keys and base64 not counted. */
const secretLimitBytes = 1_048_576;
/** One variable of a process on Linux, name included. */
const variableLimitBytes = 131_072;

export interface SecretFacts {
  readonly config: K8sConfig;
  readonly input: RunInputV1;
  readonly environment: Readonly<Record<string, string>>;
}

/** Environment of the work that must not stand in the Job: the config's variables and the run's own (token, API URL). */
export function secretEnvironment(facts: Pick<SecretFacts, 'config' | 'environment'>): Record<string, string> {
  return { ...facts.config.env, ...facts.environment };
}

/**
 * The run's Secret, owned by its Job, so that it goes when the Job goes. Immutable: nobody changes a run's input later.
 * @throws AdapterError `k8s.input_too_large`
 */
export function runSecret(facts: SecretFacts, job: { name: string; uid: string }, labels: Record<string, string>): WireSecret {
  const data: Record<string, string> = {
    [secretKeys.prompt]: facts.input.prompt ?? '',
    [secretKeys.payload]: JSON.stringify(facts.input),
    ...(logModeOf(facts.config) === 'framed' ? { [secretKeys.shim]: shimProgram } : {}),
  };
  for (const [name, value] of Object.entries(secretEnvironment(facts))) {
    if (Buffer.byteLength(value) + name.length + 2 > variableLimitBytes) {
      throw tooLarge(`The environment variable ${name} has more than ${variableLimitBytes} bytes. Hand it over in a file.`);
    }
    data[`${secretKeys.envPrefix}${name}`] = value;
  }
  const size = Object.values(data).reduce((total, value) => total + Buffer.byteLength(value), 0);
  if (size > secretLimitBytes) {
    throw tooLarge(
      `Prompt, payload and environment of the run have ${size} bytes; a Secret takes ${secretLimitBytes}. Make the prompt shorter or let the work fetch it from the API.`,
    );
  }
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: job.name,
      labels,
      // Without blockOwnerDeletion: that would need a right on jobs/finalizers.
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: job.name, uid: job.uid }],
    },
    immutable: true,
    type: 'Opaque',
    data: Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')])),
  };
}

function tooLarge(message: string): AdapterError {
  return new AdapterError('k8s.input_too_large', message);
}
