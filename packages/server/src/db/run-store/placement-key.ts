import type { RunPlacement } from '../../supervisor/model/index.js';

/** A place as one text that an index and a comparison can use; null = on the server. */
export function placementKey(placement: RunPlacement | null | undefined): string | null {
  if (placement === null || placement === undefined) return null;
  return 'runnerId' in placement ? `runner:${placement.runnerId}` : `label:${placement.runnerLabel}`;
}
