import type { PlainPosition } from './log-cursor.js';

/** Where in a file the reading goes on. `skip` whole lines are known already. */
export type AnchorDecision =
  | { readonly kind: 'found'; readonly skip: number }
  /** Several places look the same; the last of them is taken, and the log says so. */
  | { readonly kind: 'ambiguous'; readonly skip: number }
  /** The last line that was read is in this file no more: what lies between is lost. */
  | { readonly kind: 'lost' }
  /** It is the same file and has fewer lines than before: the answer was cut, cleanly, by a node that was just stopped. */
  | { readonly kind: 'cut' };

/** Looks, line by line, for the place where a position stands. */
export interface AnchorSearch {
  /** @param isRest whether the line, the first of its file, is what a rotation left of the last known one. */
  line(hash: string, isRest: boolean): void;
  /** After the last line of the file. */
  decide(): AnchorDecision;
}

/**
 * Over the whole current file, from its first line. Not rotated (its first line is the one that counting began with): the
 * line number decides. Rotated: the place with the longest backward match over the remembered lines.
 */
export function createAnchorSearch(position: PlainPosition): AnchorSearch {
  let index = 0;
  let firstHash = '';
  let byCount = false;
  const recent: string[] = [];
  let best = null as { skip: number; length: number; isUnique: boolean } | null;
  return {
    line(hash, isRest) {
      if (index === 0) firstHash = hash;
      if (isRest) best = { skip: 1, length: 1, isUnique: true };
      recent.unshift(hash);
      if (recent.length > position.hashes.length) recent.pop();
      index += 1;
      if (index === position.count && hash === position.hashes[0]) byCount = true;
      const length = backwardMatch(recent, position.hashes, index);
      if (length === 0) return;
      if (best === null || length > best.length) best = { skip: index, length, isUnique: true };
      else if (length === best.length) best = { skip: index, length, isUnique: false };
    },
    decide() {
      if (byCount && firstHash === position.first) return { kind: 'found', skip: position.count };
      if (firstHash === position.first && index < position.count) return { kind: 'cut' };
      if (best === null) return { kind: 'lost' };
      return { kind: best.isUnique ? 'found' : 'ambiguous', skip: best.skip };
    },
  };
}

/**
 * How many of the remembered lines stand here, newest first; 0 unless all of them do, as far as the file reaches. The
 * very first line of a file may be the rest of a line that was cut by the rotation, so it may differ.
 */
function backwardMatch(recent: readonly string[], hashes: readonly string[], lineCount: number): number {
  let length = 0;
  for (const hash of hashes) {
    if (length >= recent.length) return length;
    if (recent[length] !== hash) return length > 0 && length === lineCount - 1 ? length : 0;
    length += 1;
  }
  return length;
}

/** Whether a tail can show the place beyond doubt: the remembered lines differ, and there are enough of them. */
export function isTailAnchor(position: PlainPosition): boolean {
  return position.hashes.length > 0 && new Set(position.hashes).size === position.hashes.length;
}

/** Over the last lines of a file while they arrive: true at the line where all remembered lines stand. */
export function createTailSearch(position: PlainPosition): { line(hash: string): boolean } {
  const recent: string[] = [];
  return {
    line(hash) {
      recent.unshift(hash);
      if (recent.length > position.hashes.length) recent.pop();
      return recent.length === position.hashes.length && recent.every((each, index) => each === position.hashes[index]);
    },
  };
}
