import type { AdapterV1, LivenessV1, OutOfProcessV1 } from '@runbeat/adapter-sdk';
import { prepareRun } from '../execute/prepare-run.js';
import { withinLimit } from '../execute/within-limit.js';
import { type Agent, errorMessageOf, type Run } from '../model/index.js';
import type { AdapterLookup } from '../ports/index.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import type { AdapterFact, EvidenceFact } from './recovery-facts.js';

type HandleLiveness = Extract<OutOfProcessV1, { kind: 'handle' }>;

export function adapterFact(lookup: AdapterLookup): AdapterFact {
  if (!lookup.found) return { kind: lookup.state, message: lookup.message };
  const { adapter } = lookup;
  return { kind: adapter.hasOutOfProcessLiveness ? adapter.outOfProcess.kind : 'attached' };
}

/** Looks at the process or asks the adapter. Never rejects and changes nothing; "could not" is `unknown`. */
export async function gatherEvidence(
  dependencies: SupervisorDependencies,
  run: Run,
  agent: Agent,
  adapter: AdapterV1 | null,
): Promise<EvidenceFact> {
  const { handle } = run;
  if (!adapter || handle === null) return { kind: 'none' };
  if (adapter.hasOutOfProcessLiveness) {
    if (adapter.outOfProcess.kind !== 'handle') return { kind: 'none' };
    return { kind: 'probe', answer: await probe(dependencies, run, agent, adapter, adapter.outOfProcess), isConfirmed: false };
  }
  if (handle.kind !== 'process') return { kind: 'none' };
  try {
    return { kind: 'process', state: await dependencies.processes.inspect(handle, run.id) };
  } catch (error) {
    return { kind: 'process', state: { state: 'unknown', message: errorMessageOf(error) } };
  }
}

async function probe(
  dependencies: SupervisorDependencies,
  run: Run,
  agent: Agent,
  adapter: AdapterV1,
  outOfProcess: HandleLiveness,
): Promise<LivenessV1> {
  const { clock, settings } = dependencies;
  const unknown = (message: string): LivenessV1 => ({ state: 'unknown', retryAfterMs: settings.reapIntervalMs, message });
  const { handle } = run;
  if (handle === null) return unknown('there is no handle to ask by');
  const preparation = await prepareRun(dependencies, run, agent, adapter);
  if (!preparation.ok) return unknown(preparation.message);
  const { config } = preparation.prepared;
  try {
    const answer = await withinLimit(clock, settings.probeTimeoutMs, (signal) =>
      outOfProcess.probe({ runId: run.id, handle, config, signal }),
    );
    return answer.isLate ? unknown(`the adapter did not answer within ${settings.probeTimeoutMs} ms`) : answer.value;
  } catch (error) {
    return unknown(`the adapter's probe failed: ${errorMessageOf(error)}`);
  }
}
