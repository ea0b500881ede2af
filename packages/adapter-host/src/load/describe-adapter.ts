import { type AdapterV1, configJsonSchema } from '@runbeat/adapter-sdk';
import { isJson } from '../contract/json-value.js';
import type { AdapterDescription } from '../worker/messages.js';

/** The facts about an adapter that a host must know to stand in for it and to show it. */
export function describeAdapter(adapter: AdapterV1): AdapterDescription {
  const schema = configJsonSchema(adapter);
  return {
    type: adapter.type,
    maxConcurrentRuns: adapter.maxConcurrentRuns ?? null,
    liveness: adapter.hasOutOfProcessLiveness ? adapter.outOfProcess.kind : 'attached',
    canTestEnvironment: adapter.testEnvironment !== undefined,
    interactive: adapter.interactive
      ? { protocol: adapter.interactive.protocol, canReattach: adapter.interactive.reattach !== undefined }
      : null,
    configJsonSchema: isJson(schema) ? schema : null,
  };
}
