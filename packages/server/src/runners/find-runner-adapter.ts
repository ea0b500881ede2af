import type { RunPlacement } from '../supervisor/model/index.js';
import type { AdapterLookup } from '../supervisor/ports/index.js';
import { planOffer } from './plan-offer.js';
import { createRunnerAdapter } from './runner-adapter.js';
import { offerCandidates, type RunnerContext } from './runner-context.js';

/**
 * The adapter that runs `adapterType` at a placement; `AdapterCatalog.find` calls it when there is a placement.
 * Unavailable while no runner could take a run: runs then wait in the queue, where `why` can explain it.
 */
export function findRunnerAdapter(
  context: RunnerContext,
  adapterType: string,
  placement: RunPlacement,
  purpose: 'start' | 'recover' = 'start',
): AdapterLookup {
  // A run that is with a runner already is followed whether or not that runner is connected: its lease and grace decide.
  if (purpose === 'recover') {
    // What it speaks is known to the worker that is taken over; it only has to be a conversation.
    return { found: true, adapter: createRunnerAdapter(context, adapterType, placement, 'acp'), version: null };
  }

  const plan = planOffer({ adapterType, placement, companyId: null }, offerCandidates(context));
  if (plan.kind === 'offer') {
    const known = context.directory.get(plan.runnerId)?.adapters.find((adapter) => adapter.type === adapterType);
    const adapter = createRunnerAdapter(context, adapterType, placement, known?.interactive ?? null);
    return { found: true, adapter, version: known?.version ?? null };
  }
  const place = 'runnerId' in placement ? `Runner ${placement.runnerId}` : `A runner with the label ${placement.runnerLabel}`;
  const reasons = {
    no_runner: `${place} is not registered. Start one with \`runbeat runner\`.`,
    disabled: `${place} is disabled. Enable it again.`,
    adapter_missing: `${place} has no adapter ${adapterType}. Install it there.`,
    offline: `${place} is not connected. Its health says since when and why.`,
    busy: `${place} has no free slot. The run starts when one is free.`,
  } as const;
  return { found: false, state: 'unavailable', code: 'runner_unavailable', message: reasons[plan.reason] };
}
