import type { Json, SessionOutputV1 } from '@runbeat/adapter-sdk';
import type { JsonRpcMessage } from './json-rpc-message.js';

/** How one protocol says what every conversation needs. No IO: texts in, lines and outputs out. */
export interface Dialect {
  /** The line for a prompt; its JSON-RPC id is the prompt's, so that any later host knows the answer. */
  promptLine(promptId: string, prompt: Json): string;
  /** The lines that ask the agent to end a prompt. */
  cancelLines(promptId: string, openRequestIds: readonly string[]): readonly string[];
  /** The line that answers a request of the agent; null = the id is none. */
  answerLine(requestId: string, answer: Json): string | null;
  /**
   * What a message means for the host. `toProtocol` = nothing: it is the protocol's own business.
   * @param promptsInFlight oldest first.
   */
  read(message: JsonRpcMessage, promptsInFlight: readonly string[]): SessionOutputV1 | 'to_protocol';
}
