import type { Json, SessionOutputV1 } from '@runbeat/adapter-sdk';
import { agentFailure } from '../presets/agent-failure.js';

/** JSON-RPC's and the language server protocol's code for a request that was cancelled. */
const requestCancelled = -32_800;

/** How a prompt settled by its result. Agents of both protocols tell a cancel by `stopReason`. */
export function settledByResult(promptId: string, result: Json): SessionOutputV1 {
  const isCancelled =
    typeof result === 'object' && result !== null && 'stopReason' in result && result['stopReason'] === 'cancelled';
  return isCancelled ? { kind: 'cancelled', promptId } : { kind: 'completed', promptId, result };
}

/** How a prompt settled by an error response. */
export function settledByError(promptId: string, error: { readonly code: number; readonly message: string }): SessionOutputV1 {
  if (error.code === requestCancelled) return { kind: 'cancelled', promptId };
  const { code, message } = agentFailure(error.message);
  return { kind: 'failed', promptId, code, message: `${message} (JSON-RPC code ${error.code})` };
}
