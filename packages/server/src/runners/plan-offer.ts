import type { RunPlacement } from '../supervisor/model/index.js';

/** A runner as the choice of a place sees it. */
export interface OfferCandidate {
  readonly runnerId: string;
  readonly companyId: string | null;
  readonly labels: readonly string[];
  readonly adapterTypes: ReadonlySet<string>;
  /** A session is open, its lease holds and its poll is not overdue. */
  readonly isReachable: boolean;
  readonly isEnabled: boolean;
  /** Slots minus what is assigned to it. */
  readonly freeSlots: number;
}

export interface OfferWish {
  readonly adapterType: string;
  readonly placement: RunPlacement;
  /** Null = not known yet (the catalog asks before there is a run). */
  readonly companyId: string | null;
}

export type OfferPlan =
  | { readonly kind: 'offer'; readonly runnerId: string }
  | { readonly kind: 'wait'; readonly reason: 'no_runner' | 'disabled' | 'adapter_missing' | 'offline' | 'busy' };

/** Chooses the runner with the most free slots among those that can take the run, or says what stands in the way. */
export function planOffer(wish: OfferWish, candidates: readonly OfferCandidate[]): OfferPlan {
  const named = candidates.filter((one) => isNamed(one, wish.placement) && isAllowed(one, wish.companyId));
  if (named.length === 0) return { kind: 'wait', reason: 'no_runner' };
  const enabled = named.filter((one) => one.isEnabled);
  if (enabled.length === 0) return { kind: 'wait', reason: 'disabled' };
  const able = enabled.filter((one) => one.adapterTypes.has(wish.adapterType));
  if (able.length === 0) return { kind: 'wait', reason: 'adapter_missing' };
  const reachable = able.filter((one) => one.isReachable);
  if (reachable.length === 0) return { kind: 'wait', reason: 'offline' };
  const best = reachable.reduce((a, b) => (b.freeSlots > a.freeSlots ? b : a));
  return best.freeSlots > 0 ? { kind: 'offer', runnerId: best.runnerId } : { kind: 'wait', reason: 'busy' };
}

function isNamed(candidate: OfferCandidate, placement: RunPlacement): boolean {
  return 'runnerId' in placement ? candidate.runnerId === placement.runnerId : candidate.labels.includes(placement.runnerLabel);
}

function isAllowed(candidate: OfferCandidate, companyId: string | null): boolean {
  return candidate.companyId === null || companyId === null || candidate.companyId === companyId;
}
