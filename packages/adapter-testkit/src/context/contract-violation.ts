import { isDeepStrictEqual } from 'node:util';
import { cursorLimitBytes, handleLimitBytes, type LogMarkV1, logTextLimitBytes, type RunHandleV1 } from '@runbeat/adapter-sdk';

/** A rule of the contract that a call to the context broke. */
export interface ContractViolation {
  /** Number of the rule in the contract. */
  readonly rule: 1 | 2 | 3 | 9;
  readonly check:
    | 'spawn_before_log'
    | 'spawn_once'
    | 'nothing_after_settling'
    | 'log_awaited'
    | 'log_text_limit'
    | 'log_whole_characters'
    | 'log_mark'
    | 'handle_json'
    | 'handle_limit'
    | 'handle_secret';
  /** What was called, and what should have been. */
  readonly message: string;
}

/** What is wrong with a piece of output by itself. */
export function logViolations(text: string, mark: LogMarkV1 | undefined): ContractViolation[] {
  const found: ContractViolation[] = [];
  const bytes = Buffer.byteLength(text);
  if (bytes > logTextLimitBytes) {
    found.push({
      rule: 2,
      check: 'log_text_limit',
      message: `onLog got ${bytes} bytes of text; at most ${logTextLimitBytes} are allowed.`,
    });
  }
  if (isBetween(text.charCodeAt(0), 0xdc00, 0xdfff) || isBetween(text.charCodeAt(text.length - 1), 0xd800, 0xdbff)) {
    found.push({
      rule: 2,
      check: 'log_whole_characters',
      message: 'onLog got text that begins or ends inside a surrogate pair.',
    });
  }
  if (mark?.cursor !== undefined && Buffer.byteLength(mark.cursor) > cursorLimitBytes) {
    found.push({ rule: 3, check: 'log_mark', message: `A cursor may have ${cursorLimitBytes} bytes, this one is longer.` });
  }
  if (mark?.at !== undefined && Number.isNaN(Date.parse(mark.at))) {
    found.push({ rule: 2, check: 'log_mark', message: `mark.at must be an ISO time, it is '${mark.at}'.` });
  }
  return found;
}

/** What is wrong with a handle by itself. `secrets` are values that must not be in it. */
export function handleViolations(handle: RunHandleV1, secrets: readonly string[]): ContractViolation[] {
  const json = JSON.stringify(handle) as string | undefined;
  if (json === undefined || !isDeepStrictEqual(JSON.parse(json), handle)) {
    return [
      { rule: 9, check: 'handle_json', message: 'The handle is not plain JSON: it changes when it is stored and read again.' },
    ];
  }
  const found: ContractViolation[] = [];
  const bytes = Buffer.byteLength(json);
  if (bytes > handleLimitBytes) {
    found.push({
      rule: 9,
      check: 'handle_limit',
      message: `The handle has ${bytes} bytes as JSON; at most ${handleLimitBytes} are allowed.`,
    });
  }
  if (secrets.some((secret) => json.includes(secret))) {
    found.push({ rule: 9, check: 'handle_secret', message: 'The handle contains a secret of the run (its token).' });
  }
  return found;
}

function isBetween(unit: number, first: number, last: number): boolean {
  return unit >= first && unit <= last;
}
