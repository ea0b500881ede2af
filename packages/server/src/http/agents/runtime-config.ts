import type { RuntimeConfigInput } from '@runbeat/protocol';
import type { AgentRuntimeConfig, RunPlacement } from '../../supervisor/model/index.js';

/** Each member has a default, so that an agent needs none. `maxConcurrentRuns`: that of the supervisor's settings. */
export function defaultRuntimeConfig(maxConcurrentRuns: number): AgentRuntimeConfig {
  return {
    limits: { timeoutMs: null, idleTimeoutMs: null },
    heartbeat: { enabled: false, intervalSec: 300, wakeOnDemand: true, maxConcurrentRuns },
    placement: null,
  };
}

/** What is absent in `input` keeps its value. */
export function mergeRuntimeConfig(current: AgentRuntimeConfig, input: RuntimeConfigInput): AgentRuntimeConfig {
  return {
    limits: { ...current.limits, ...definedOnly(input.limits ?? {}) },
    heartbeat: { ...current.heartbeat, ...definedOnly(input.heartbeat ?? {}) },
    placement: input.placement === undefined ? current.placement : (input.placement as RunPlacement | null),
  };
}

function definedOnly<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Fields]?: Exclude<Fields[Key], undefined>;
  };
}
