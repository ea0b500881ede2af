import { type ContentBlock, methods, type RequestPermissionResponse } from '@agentclientprotocol/sdk';
import type { Json } from '@runbeat/adapter-sdk';
import type { Dialect } from './dialect.js';
import { callLine, requestIdFromText, requestIdText, resultLine } from './json-rpc-message.js';
import { settledByError, settledByResult } from './settlement.js';

/** Requests of the agent that a person answers; all others are answered by the protocol's connection. */
const userRequests: ReadonlySet<string> = new Set([methods.client.session.requestPermission, methods.client.elicitation.create]);

/**
 * The Agent Client Protocol, version 1, once its session is open. Types and names are those of the official SDK, which
 * also does the opening; prompts are written here, since their ids must mean the same to every host that comes later,
 * while a connection of the SDK lives and numbers its requests within one process.
 */
export function createAcpDialect(acpSessionId: string): Dialect {
  const cancelledAnswer = { outcome: { outcome: 'cancelled' } } satisfies RequestPermissionResponse;
  const answerLine = (requestId: string, answer: Json): string | null => {
    const id = requestIdFromText(requestId);
    return id === null ? null : resultLine(id, answer);
  };
  return {
    promptLine: (promptId, prompt) =>
      callLine(promptId, methods.agent.session.prompt, { sessionId: acpSessionId, prompt: contentBlocks(prompt) }),
    cancelLines: (_promptId, openRequestIds) => [
      callLine(null, methods.agent.session.cancel, { sessionId: acpSessionId }),
      // The protocol wants every open question of a cancelled turn answered so.
      ...openRequestIds.flatMap((requestId) => answerLine(requestId, cancelledAnswer) ?? []),
    ],
    answerLine,
    read(message, promptsInFlight) {
      const promptId = promptsInFlight[0] ?? null;
      switch (message.kind) {
        case 'invalid':
          return { kind: 'protocol_error', message: message.problem };
        case 'notification':
          if (message.method !== methods.client.session.update) return 'to_protocol';
          return { kind: 'update', promptId, update: updateOf(message.params) };
        case 'request':
          if (!userRequests.has(message.method)) return 'to_protocol';
          return {
            kind: 'request',
            promptId,
            requestId: requestIdText(message.id),
            request: { method: message.method, params: message.params },
          };
        case 'result':
          if (typeof message.id === 'string' && promptsInFlight.includes(message.id))
            return settledByResult(message.id, message.result);
          return 'to_protocol';
        case 'error':
          if (typeof message.id === 'string' && promptsInFlight.includes(message.id)) return settledByError(message.id, message);
          return 'to_protocol';
      }
    },
  };
}

/** Text, one content block, a list of them, or a whole `{ prompt: […] }`, as the protocol's content blocks. */
export function contentBlocks(prompt: Json): Json {
  if (typeof prompt === 'string') return [{ type: 'text', text: prompt } satisfies ContentBlock];
  if (Array.isArray(prompt)) return prompt;
  if (typeof prompt === 'object' && prompt !== null) {
    if ('type' in prompt) return [prompt];
    if ('prompt' in prompt) return contentBlocks(prompt['prompt'] ?? null);
    if ('text' in prompt && typeof prompt['text'] === 'string') return contentBlocks(prompt['text']);
  }
  return [{ type: 'text', text: JSON.stringify(prompt) } satisfies ContentBlock];
}

function updateOf(params: Json): Json {
  if (typeof params !== 'object' || params === null || !('update' in params)) return params;
  return params['update'] ?? null;
}
