import type { AdapterV1 } from '@runbeat/adapter-sdk';
import { slotKey } from '../execute/active-runs.js';
import type { Agent, AgentId, Run, RunPlacement } from '../model/index.js';
import type { AdapterCatalog } from '../ports/index.js';

/** Who cannot take a run in this pass; the store leaves them out of its next answer. */
export interface Exclusions {
  readonly agentIds: Set<AgentId>;
  readonly adapterTypes: Set<string>;
  readonly placements: RunPlacement[];
}

export function noExclusions(): Exclusions {
  return { agentIds: new Set(), adapterTypes: new Set(), placements: [] };
}

export function hasExclusions({ agentIds, adapterTypes, placements }: Exclusions): boolean {
  return agentIds.size + adapterTypes.size + placements.length > 0;
}

/** Slots per agent, adapter and instance while one pass hands them out. */
export interface ClaimSlots {
  /** A slot for this run, or null; what has no slot is excluded from the rest of the pass. */
  take(run: Run, agent: Agent): AdapterV1 | null;
}

export function createClaimSlots(options: {
  readonly adapters: AdapterCatalog;
  /** Free slots of the instance. */
  readonly free: number;
  readonly runningOfAgent: ReadonlyMap<AgentId, number>;
  /** Runs followed here by `slotKey`. */
  readonly runningOfSlot: (key: string) => number;
  readonly agentDefault: number;
  readonly exclusions: Exclusions;
}): ClaimSlots {
  const { exclusions } = options;
  const takenOfAgent = new Map<AgentId, number>();
  const takenOfSlot = new Map<string, number>();
  let free = options.free;
  /** A place that is full or away blocks its own runs, not those of its adapter type elsewhere. */
  const exclude = (run: Run): null => {
    const { placement } = run.contextSnapshot;
    if (placement) exclusions.placements.push(placement);
    else exclusions.adapterTypes.add(run.adapterType);
    return null;
  };
  return {
    take(run, agent) {
      if (free <= 0) return null;
      const { placement } = run.contextSnapshot;
      const lookup = options.adapters.find(agent.adapterType, placement);
      if (!lookup.found) return exclude(run);
      const { adapter } = lookup;
      const key = slotKey({ adapterType: agent.adapterType, contextSnapshot: run.contextSnapshot });
      const ofSlot = options.runningOfSlot(key) + (takenOfSlot.get(key) ?? 0);
      if (adapter.maxConcurrentRuns !== undefined && ofSlot >= adapter.maxConcurrentRuns) return exclude(run);
      const ofAgent = (options.runningOfAgent.get(agent.id) ?? 0) + (takenOfAgent.get(agent.id) ?? 0);
      if (ofAgent >= (agent.runtimeConfig.heartbeat.maxConcurrentRuns || options.agentDefault)) {
        exclusions.agentIds.add(agent.id);
        return null;
      }
      takenOfAgent.set(agent.id, (takenOfAgent.get(agent.id) ?? 0) + 1);
      takenOfSlot.set(key, (takenOfSlot.get(key) ?? 0) + 1);
      free -= 1;
      return adapter;
    },
  };
}
