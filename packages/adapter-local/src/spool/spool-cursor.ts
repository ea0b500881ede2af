import { AdapterError } from '@runbeat/adapter-sdk';

/** How far each stream was handed on, in bytes of its spool file. */
export interface SpoolCursor {
  readonly stdout: number;
  readonly stderr: number;
}

export const spoolStart: SpoolCursor = { stdout: 0, stderr: 0 };

/** `1:<bytes of stdout>:<bytes of stderr>`; the first number is the version of the form. */
export function formatSpoolCursor(cursor: SpoolCursor): string {
  return `1:${cursor.stdout}:${cursor.stderr}`;
}

/**
 * Null = nothing was stored yet.
 * @throws AdapterError `adapter_incompatible` for a cursor that this version cannot read: starting again from zero
 * would store output twice.
 */
export function parseSpoolCursor(text: string | null): SpoolCursor {
  if (text === null) return spoolStart;
  const match = /^1:(\d{1,15}):(\d{1,15})$/.exec(text);
  if (match === null) {
    const message = `The stored log cursor ${JSON.stringify(text)} is not one of this adapter. Update @runbeat/adapter-local.`;
    throw new AdapterError('adapter_incompatible', message);
  }
  return { stdout: Number(match[1]), stderr: Number(match[2]) };
}
