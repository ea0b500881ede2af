import { nextState, type SecretState, secretAutomaton } from './secret-automaton.js';

/** Hides secrets in a stream of text, also where a secret is cut over several pieces. One redactor per stream. */
export interface SecretRedactor {
  /**
   * UTF-16 units kept back because a secret may have begun in them: at most the longest secret less one. A log cursor
   * must not be stored with text before this is 0 again, or it would stand behind text that was not given out.
   */
  readonly heldCharacters: number;
  /** The text that is safe to show now. */
  push(text: string): string;
  /** The stream has ended, or the text must go out now: whatever was kept back, which is no whole secret. */
  flush(): string;
}

export interface SecretRedactorOptions {
  /** What stands in for a secret. Secrets that touch or overlap are hidden by one. Default `***`. */
  readonly replacement?: string;
}

/**
 * Takes time in proportion to the text, however many secrets there are, and gives the same text however it is cut.
 * @param secrets each is hidden wherever it occurs, as it stands (not encoded or escaped); empty ones are ignored.
 */
export function createSecretRedactor(secrets: readonly string[], options: SecretRedactorOptions = {}): SecretRedactor {
  const replacement = options.replacement ?? '***';
  const wanted = secrets.filter((secret) => secret !== '');
  const root = secretAutomaton(wanted);
  const nextStart = startFinder(wanted);
  // What is known about the text in `held`, which begins at offset 0 of itself:
  // `covered` are the parts of it that belong to secrets, apart from each other and in order.
  let state = root;
  let held = '';
  let covered: { start: number; end: number }[] = [];
  let isAfterSecret = false;

  const cover = (end: number, length: number): void => {
    let start = Math.max(0, end - length);
    for (let last = covered.at(-1); last && last.end >= start; last = covered.at(-1)) {
      start = Math.min(start, last.start);
      covered.pop();
    }
    covered.push({ start, end });
  };
  /** Gives out `held` up to `until`; what is covered behind it stays covered. */
  const giveOut = (until: number): string => {
    let text = '';
    let from = 0;
    for (const { start, end } of covered) {
      if (start >= until) break;
      if (start > from) text += held.slice(from, start);
      if (start > from || !isAfterSecret) text += replacement;
      from = Math.min(end, until);
      isAfterSecret = true;
    }
    if (until > from) {
      text += held.slice(from, until);
      isAfterSecret = false;
    }
    held = held.slice(until);
    covered = covered
      .filter(({ end }) => end > until)
      .map(({ start, end }) => ({ start: Math.max(0, start - until), end: end - until }));
    return text;
  };

  return {
    get heldCharacters() {
      return held.length;
    },
    push(text) {
      if (root.next.size === 0) return text;
      const already = held.length;
      held += text;
      for (let index = already; index < held.length; index += 1) {
        if (state === root) index = nextStart(held, index);
        state = nextState(root, state, held.charCodeAt(index));
        if (state.matchLength > 0) cover(index + 1, state.matchLength);
      }
      // A state that ends a secret which is no start of a longer one has nothing left to wait for.
      return giveOut(state.next.size === 0 ? held.length - waitingFor(state) : held.length - state.depth);
    },
    flush() {
      state = root;
      return giveOut(held.length);
    },
  };
}

/** Units at the end that may still grow into a secret, when the state itself cannot: those of its fallback. */
function waitingFor(state: SecretState): number {
  let shorter = state;
  while (shorter.next.size === 0 && shorter !== shorter.fallback) shorter = shorter.fallback;
  return shorter.depth;
}

/** Units of each secret that the search for a start compares. Longer starts are rarer in text, and skipped over faster. */
const longestStart = 16;

/**
 * Finds where a secret may begin, at or after a place; at the latest where so few units are left that a start may be cut:
 * behind those the next piece decides. Most text holds no secret: a regular expression over the starts of all skips it
 * many times faster than the automaton reads it.
 */
function startFinder(secrets: readonly string[]): (text: string, from: number) => number {
  const length = Math.min(longestStart, ...secrets.map((secret) => secret.length));
  const starts = new Set(secrets.map((secret) => escaped(secret.slice(0, length))));
  const pattern = new RegExp([...starts].join('|'), 'g');
  return (text, from) => {
    pattern.lastIndex = from;
    return pattern.test(text) ? pattern.lastIndex - length : Math.max(from, text.length - Math.max(1, length - 1));
  };
}

/** Unit by unit, so that nothing in a secret means anything in a pattern. */
function escaped(text: string): string {
  return Array.from({ length: text.length }, (_, index) => `\\u${text.charCodeAt(index).toString(16).padStart(4, '0')}`).join('');
}
