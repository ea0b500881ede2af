import { workloadEnvironment } from '@runbeat/adapter-sdk';
import { runCookieName } from '@runbeat/adapter-sdk/processes';
import type { ProcessSpec } from './process-spec.js';

/** The environment of a run's processes: the SDK's, and the cookie by which they are found again. */
export function runEnvironment(
  context: { readonly environment: Readonly<Record<string, string>>; readonly runId: string },
  spec: ProcessSpec,
): Record<string, string> {
  return { ...workloadEnvironment(context, spec.env), [runCookieName]: context.runId };
}
