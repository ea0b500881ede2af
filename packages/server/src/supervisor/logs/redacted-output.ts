import { createSecretRedactor, type OutputStreamV1, type SecretRedactor } from '@runbeat/adapter-sdk';
import { type ResumePoint, resumeCursorFromPoint, type StoredUnits } from './resume-cursor.js';

/** Output without secrets, and with each piece of it the cursor from which a successor goes on without gap or double. */
export interface RedactedOutput {
  /** What of this text can be stored now; null when nothing can. The text must be stored before the next cursor is. */
  take(stream: OutputStreamV1, text: string, adapterCursor: string | null): RedactedPiece | null;
  /** The output has ended: what was held back because a secret might have begun in it. */
  finish(): readonly (RedactedPiece & { readonly stream: OutputStreamV1 })[];
}

export interface RedactedPiece {
  readonly text: string;
  readonly cursor: string | null;
}

const streams = ['stdout', 'stderr', 'system'] as const;
const replacement = '***';

/**
 * @param resume what an earlier owner stored: text that comes again is dropped. It is counted after redaction, which gives
 *   the same text for the same input however it is cut.
 * @param isResumable false for adapters that cannot deliver output again: they get no cursors.
 */
export function createRedactedOutput(options: {
  readonly secrets: readonly string[];
  readonly resume: ResumePoint;
  readonly isResumable: boolean;
}): RedactedOutput {
  const hasSecrets = options.secrets.some((secret) => secret !== '');
  // Made with the first text of their stream: what a redactor knows of a run's token is tens of KiB, and most streams are silent.
  const redactors: Partial<Record<OutputStreamV1, SecretRedactor>> = {};
  const redactorOf = (stream: OutputStreamV1): SecretRedactor => {
    redactors[stream] ??= createSecretRedactor(options.secrets, { replacement });
    return redactors[stream];
  };
  let { adapterCursor } = options.resume;
  // Both count from `adapterCursor` on: what came out of the redactors, and what of it is stored (more, right after a restart).
  const seen: StoredUnits = { stdout: 0, stderr: 0, system: 0 };
  const stored: StoredUnits = { ...options.resume.stored };
  // A secret that touches the one before it is hidden by the same mark; only the redactor that saw both knows that.
  const endsInMark = { stdout: false, stderr: false, system: false };

  const isClean = (): boolean => streams.every((stream) => !redactors[stream]?.heldCharacters && !endsInMark[stream]);

  const account = (stream: OutputStreamV1, text: string): string => {
    const known = Math.max(0, stored[stream] - seen[stream]);
    seen[stream] += text.length;
    stored[stream] = Math.max(stored[stream], seen[stream]);
    if (hasSecrets && text !== '') endsInMark[stream] = text.endsWith(replacement);
    return known === 0 ? text : text.slice(known);
  };
  const passCursor = (cursor: string): void => {
    adapterCursor = cursor;
    for (const stream of streams) {
      stored[stream] -= seen[stream];
      seen[stream] = 0;
    }
  };
  const currentCursor = (): string | null => (options.isResumable ? resumeCursorFromPoint({ adapterCursor, stored }) : null);

  return {
    take(stream, text, cursor) {
      const shown = account(stream, redactorOf(stream).push(text));
      // Behind held-back text a cursor would skip it; the older one with what was stored since says the same exactly.
      if (cursor !== null && (!hasSecrets || isClean())) passCursor(cursor);
      return shown === '' ? null : { text: shown, cursor: currentCursor() };
    },
    finish() {
      return streams.flatMap((stream) => {
        const text = account(stream, redactors[stream]?.flush() ?? '');
        return text === '' ? [] : [{ stream, text, cursor: currentCursor() }];
      });
    },
  };
}
