import { createSeededRandom, type SeededRandom } from './seeded-random.js';

/** A piece of work, and what it would do if nobody disturbed it. */
export interface PlannedWork {
  readonly adapterType: 'local' | 'local-attached';
  readonly lines: number;
  readonly pauseS: string;
  readonly exitCode: number;
  readonly grandchild: 'none' | 'group' | 'session';
  /** Started by the assignment of an issue instead of a wake. */
  readonly isIssue: boolean;
  /** After the work before it. */
  readonly delayMs: number;
}

export type Blow =
  | { readonly kind: 'server'; readonly index: number; readonly signal: 'SIGKILL' | 'SIGTERM'; readonly downMs: number }
  /** `pick` and `share` from 0 to 1: which running run, how many of the connections. */
  | { readonly kind: 'child'; readonly victim: 'command' | 'capsule' | 'both'; readonly pick: number }
  | { readonly kind: 'connections'; readonly share: number };

export interface PlannedBlow {
  readonly delayMs: number;
  readonly blow: Blow;
}

export interface ChaosPlan {
  readonly work: readonly PlannedWork[];
  readonly blows: readonly PlannedBlow[];
}

/** All of it follows from the seed. What the machine does in between does not, so a seed repeats the plan, not the luck. */
export function planChaos(options: { readonly seed: number; readonly runs: number; readonly servers: number }): ChaosPlan {
  const random = createSeededRandom(options.seed);
  const work = Array.from({ length: options.runs }, () => planWork(random));
  // As many blows as fit beside the work; the first ones by turns, so that a short plan has some of each kind.
  const blows = Array.from({ length: Math.ceil(options.runs / 2) }, (_, index) => ({
    delayMs: random.between(300, 1_500),
    blow: planBlow(random, options.servers, firstKinds[index]),
  }));
  return { work, blows };
}

function planWork(random: SeededRandom): PlannedWork {
  return {
    adapterType: random.next() < 0.8 ? 'local' : 'local-attached',
    lines: random.between(1, 60),
    pauseS: random.pick(['0', '0.02', '0.05', '0.1']),
    exitCode: random.next() < 0.75 ? 0 : random.between(1, 9),
    grandchild: random.pick(['none', 'none', 'none', 'none', 'group', 'session']),
    isIssue: random.next() < 0.25,
    delayMs: random.between(0, 400),
  };
}

/** The first blows of every plan. */
export const firstKinds: readonly Blow['kind'][] = ['server', 'child', 'connections', 'server', 'child', 'server'];

function planBlow(random: SeededRandom, servers: number, wanted: Blow['kind'] | undefined): Blow {
  switch (wanted ?? random.pick(['server', 'server', 'child', 'child', 'connections'])) {
    case 'server':
      return {
        kind: 'server',
        index: random.between(0, servers - 1),
        signal: random.next() < 0.75 ? 'SIGKILL' : 'SIGTERM',
        downMs: random.between(0, 1_500),
      };
    case 'child':
      return { kind: 'child', victim: random.pick(['command', 'capsule', 'both']), pick: random.next() };
    case 'connections':
      return { kind: 'connections', share: random.pick([0.3, 1]) };
  }
}
