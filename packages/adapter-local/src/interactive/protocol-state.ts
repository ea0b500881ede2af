import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { RunFolder } from '../capsule/run-folder.js';

const protocolState = z.discriminatedUnion('protocol', [
  z.object({ protocol: z.literal('acp'), acpSessionId: z.string() }),
  z.object({ protocol: z.literal('json-rpc-lines') }),
]);

/** What a later host must know of an open conversation to go on with it. */
export type ProtocolState = z.infer<typeof protocolState>;

/** Null = the conversation was never opened: its host died before. */
export function readProtocolState(folder: RunFolder): ProtocolState | null {
  try {
    return protocolState.parse(JSON.parse(readFileSync(folder.protocol, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

export function writeProtocolState(folder: RunFolder, state: ProtocolState): void {
  const draft = `${folder.protocol}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(state), { mode: 0o600 });
  renameSync(draft, folder.protocol);
}
