import { ServerError } from '../server-error.js';
import type { AdapterSlot } from './adapter-slot.js';

/**
 * Which slot answers for a type. The one that came first has it; another takes it only by an explicit override, and then
 * answers alone, whether it works or not, until it is removed.
 */
export interface SlotRegistry {
  all(): readonly AdapterSlot[];
  /** The slot that answers for the type; null = none. */
  find(type: string): AdapterSlot | null;
  findPackage(packageName: string): AdapterSlot | null;
  /** @throws ServerError `adapter_type_taken`, naming both, unless `override`. */
  requireFree(type: string, wanted: { readonly name: string; readonly override: boolean }): void;
  add(slot: AdapterSlot): void;
  delete(slot: AdapterSlot): void;
}

export function createSlotRegistry(): SlotRegistry {
  const slots = new Set<AdapterSlot>();
  const find = (type: string): AdapterSlot | null => {
    const ofType = [...slots].filter((slot) => slot.type === type);
    const live = ofType.filter((slot) => !slot.isRetired);
    return live.filter((slot) => slot.facts.isOverride).at(-1) ?? live[0] ?? ofType.at(-1) ?? null;
  };
  return {
    all: () => [...slots],
    find,
    findPackage: (packageName) => [...slots].find((slot) => slot.facts.package?.name === packageName && !slot.isRetired) ?? null,
    requireFree(type, { name, override }) {
      const holder = find(type);
      if (!holder || override || holder.facts.package?.name === name || holder.isRetired) return;
      const { origin } = holder.facts;
      const who = holder.facts.package?.name ?? (origin.source === 'built-in' ? 'the built-in adapter' : origin.source);
      throw new ServerError(
        'adapter_type_taken',
        `The adapter type "${type}" of ${name} is taken by ${who}. Remove one of them, or add ${name} with an explicit override.`,
        { evidence: { type, wanted: name, holder: who } },
      );
    },
    add: (slot) => void slots.add(slot),
    delete: (slot) => void slots.delete(slot),
  };
}
