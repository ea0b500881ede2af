import type { RunnerAdapterIssue } from '@runbeat/protocol';
import type { AdapterSlot } from './adapter-slot.js';

/** A module that fails to load brings its stack; it is told with every heartbeat. */
const MESSAGE_LIMIT = 2_000;

/** Why an installed adapter is not offered, or not in its newest version; null = it is, or it is to go. */
export function issueOf({ entry, current, fault, retiredAtMs }: AdapterSlot): RunnerAdapterIssue | null {
  const crash = current?.loaded.state === 'error' ? current.loaded.lastError : null;
  const reason = fault ?? crash;
  if (reason === null || retiredAtMs !== null) return null;
  const { packageName: name, adapterType, version } = entry;
  const goesOn = fault !== null && current !== null ? ` Version ${current.version}, which was loaded before, goes on.` : '';
  return { package: { name, version, adapterType }, code: reason.code, message: `${shortened(reason.message)}${goesOn}` };
}

function shortened(message: string): string {
  return message.length > MESSAGE_LIMIT ? `${message.slice(0, MESSAGE_LIMIT)} …` : message;
}

/** The code and the words of whatever was thrown. */
export function faultFrom(error: unknown): { readonly code: string; readonly message: string } {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return {
    code: typeof code === 'string' ? code : 'runner_internal_error',
    message: error instanceof Error ? error.message : String(error),
  };
}
