import type { Json } from '@runbeat/adapter-sdk';
import type { Dialect } from './dialect.js';
import { callLine, requestIdFromText, requestIdText, resultLine } from './json-rpc-message.js';
import { settledByError, settledByResult } from './settlement.js';

export interface JsonRpcLinesOptions {
  /** Method that takes a prompt as its params. */
  readonly promptMethod: string;
  /** Notification that asks for the end of a prompt, `{ id }`. */
  readonly cancelMethod: string;
}

/**
 * Plain JSON-RPC 2.0, a message a line. The host asks `prompt` and the agent answers when it has finished; meanwhile its
 * notifications are updates (`acknowledged` says that it has begun), and its requests are questions to the user.
 */
export function createJsonRpcLinesDialect(options: JsonRpcLinesOptions): Dialect {
  return {
    promptLine: (promptId, prompt) => callLine(promptId, options.promptMethod, prompt),
    cancelLines: (promptId) => [callLine(null, options.cancelMethod, { id: promptId })],
    answerLine(requestId, answer) {
      const id = requestIdFromText(requestId);
      return id === null ? null : resultLine(id, answer);
    },
    read(message, promptsInFlight) {
      switch (message.kind) {
        case 'invalid':
          return { kind: 'protocol_error', message: message.problem };
        case 'notification': {
          const promptId = promptOf(message.params, promptsInFlight);
          if (message.method === 'acknowledged' && promptId !== null) return { kind: 'acknowledged', promptId };
          return { kind: 'update', promptId, update: { method: message.method, params: message.params } };
        }
        case 'request': {
          const request = { method: message.method, params: message.params };
          const promptId = promptOf(message.params, promptsInFlight);
          return { kind: 'request', promptId, requestId: requestIdText(message.id), request };
        }
        case 'result':
          if (typeof message.id === 'string' && promptsInFlight.includes(message.id))
            return settledByResult(message.id, message.result);
          return unexpected(message.id);
        case 'error':
          if (typeof message.id === 'string' && promptsInFlight.includes(message.id)) return settledByError(message.id, message);
          return message.id === null
            ? { kind: 'protocol_error', message: `The agent reports: ${message.message} (${message.code})` }
            : unexpected(message.id);
      }
    },
  };
}

function unexpected(id: string | number) {
  return { kind: 'protocol_error', message: `An answer to ${JSON.stringify(id)} came, which is no prompt in flight.` } as const;
}

/** The prompt that a message names by `promptId`, else the oldest in flight. */
function promptOf(params: Json, promptsInFlight: readonly string[]): string | null {
  const named = typeof params === 'object' && params !== null && 'promptId' in params ? params['promptId'] : null;
  if (typeof named === 'string' && promptsInFlight.includes(named)) return named;
  return promptsInFlight[0] ?? null;
}
