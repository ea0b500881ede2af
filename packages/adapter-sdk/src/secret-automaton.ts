/** One state of the automaton: the longest end of the text read so far that is the start of a secret. */
export interface SecretState {
  /** Length of that start, in UTF-16 units; 0 at the root. */
  readonly depth: number;
  /** Length of the longest secret that ends here; 0 = none does. */
  matchLength: number;
  readonly next: Map<number, SecretState>;
  /** The longest shorter state that is an end of this one; the root's is itself. */
  fallback: SecretState;
}

/** Aho–Corasick over UTF-16 units: all secrets are searched in one pass, whose time does not depend on their number. */
export function secretAutomaton(secrets: readonly string[]): SecretState {
  const root = newState(0);
  for (const secret of secrets) addSecret(root, secret);
  // Breadth first: a fallback is shorter than its state, so it is finished before the state needs it.
  const queue = [...root.next.values()];
  for (const state of queue) {
    for (const [unit, child] of state.next) {
      child.fallback = nextState(root, state.fallback, unit);
      if (child.matchLength === 0) child.matchLength = child.fallback.matchLength;
      queue.push(child);
    }
  }
  return root;
}

/** Read one UTF-16 unit. Falls back as often as it must, which over a whole text is at most once per unit read. */
export function nextState(root: SecretState, from: SecretState, unit: number): SecretState {
  let state = from;
  while (true) {
    const next = state.next.get(unit);
    if (next) return next;
    if (state === root) return root;
    state = state.fallback;
  }
}

function addSecret(root: SecretState, secret: string): void {
  let state = root;
  for (let index = 0; index < secret.length; index += 1) {
    const unit = secret.charCodeAt(index);
    let next = state.next.get(unit);
    if (!next) {
      next = newState(index + 1);
      next.fallback = root;
      state.next.set(unit, next);
    }
    state = next;
  }
  state.matchLength = secret.length;
}

function newState(depth: number): SecretState {
  const state: Omit<SecretState, 'fallback'> & { fallback?: SecretState } = { depth, matchLength: 0, next: new Map() };
  const complete = state as SecretState;
  complete.fallback = complete;
  return complete;
}
