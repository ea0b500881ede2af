import { InternalError, type Json, type SessionOutputV1 } from '@runbeat/adapter-sdk';
import type { AcpConnection } from './acp-connection.js';
import type { Dialect } from './dialect.js';
import { readJsonRpc } from './json-rpc-message.js';
import type { SessionLine } from './session-lines.js';

/**
 * What is known of a conversation in this process: which prompts are in flight and which questions are open. `opening`
 * (no dialect yet: everything goes to the protocol's connection) → `open`. One writer: the worker that owns it.
 */
export interface Conversation {
  /** Oldest first. */
  readonly promptsInFlight: readonly string[];
  readonly openRequests: readonly string[];
  /** The protocol's session is open; from here on lines mean something to the host. */
  begin(dialect: Dialect): void;
  /** What a line of the worker comes to, in order; mostly one output, sometimes none or two. */
  read(line: SessionLine): readonly SessionOutputV1[];
  promptLine(promptId: string, prompt: Json): string;
  cancelLines(promptId: string): readonly string[];
  /** Null = there is no such question. */
  answerLine(requestId: string, answer: Json): string | null;
  /** A prompt did not reach the worker: it is not in flight. */
  withdraw(promptId: string): void;
}

export interface ConversationOptions {
  readonly connection: AcpConnection | null;
  readonly dialect: Dialect | null;
  readonly promptsInFlight: readonly string[];
  readonly requestsOpen: readonly string[];
}

export function createConversation(options: ConversationOptions): Conversation {
  let dialect = options.dialect;
  const promptsInFlight = [...options.promptsInFlight];
  const openRequests = new Set(options.requestsOpen);
  /** Of those in flight, the ones of which the host knows that the agent has begun. */
  const acknowledged = new Set<string>();

  const settle = (promptId: string): void => {
    promptsInFlight.splice(promptsInFlight.indexOf(promptId), 1);
    acknowledged.delete(promptId);
    // A settled turn has no questions left.
    openRequests.clear();
  };
  const withAcknowledgement = (promptId: string | null, output: SessionOutputV1): readonly SessionOutputV1[] => {
    if (promptId === null || acknowledged.has(promptId)) return [output];
    acknowledged.add(promptId);
    // Most agents do not say that they have begun; whatever they say first shows it.
    return output.kind === 'acknowledged' ? [output] : [{ kind: 'acknowledged', promptId }, output];
  };
  const outputsOf = (output: SessionOutputV1): readonly SessionOutputV1[] => {
    switch (output.kind) {
      case 'acknowledged':
        return acknowledged.has(output.promptId) ? [] : withAcknowledgement(output.promptId, output);
      case 'request':
        openRequests.add(output.requestId);
        return withAcknowledgement(output.promptId, output);
      case 'update':
        return withAcknowledgement(output.promptId, output);
      case 'completed':
      case 'failed':
      case 'cancelled':
        settle(output.promptId);
        return [output];
      case 'protocol_error':
      case 'stderr':
        return [output];
    }
  };
  const opened = (): Dialect => {
    if (dialect === null) throw new InternalError('The conversation was used before it was open.');
    return dialect;
  };

  return {
    promptsInFlight,
    get openRequests() {
      return [...openRequests];
    },
    begin(next) {
      dialect = next;
    },
    read(line) {
      if (line.kind !== 'text') return [{ kind: 'protocol_error', message: unreadable(line) }];
      // Some agents end their lines like Windows, or leave empty ones.
      if (line.text.trim() === '') return [];
      const message = readJsonRpc(line.text);
      if (dialect === null && message.kind === 'invalid') return [{ kind: 'protocol_error', message: message.problem }];
      const output = dialect === null ? 'to_protocol' : dialect.read(message, promptsInFlight);
      if (output !== 'to_protocol') return outputsOf(output);
      // An answer that nobody in this process waits for belongs to a host before it.
      if (dialect === null || message.kind === 'request') options.connection?.receive(line.text);
      return [];
    },
    promptLine(promptId, prompt) {
      promptsInFlight.push(promptId);
      return opened().promptLine(promptId, prompt);
    },
    cancelLines: (promptId) => opened().cancelLines(promptId, [...openRequests]),
    answerLine(requestId, answer) {
      return openRequests.delete(requestId) ? opened().answerLine(requestId, answer) : null;
    },
    withdraw(promptId) {
      if (promptsInFlight.includes(promptId)) settle(promptId);
    },
  };
}

function unreadable(line: Exclude<SessionLine, { kind: 'text' }>): string {
  return line.kind === 'too_long'
    ? `A line of ${line.bytes} bytes was left out: it is longer than the limit.`
    : `A line of ${line.bytes} bytes was left out: it is not UTF-8.`;
}
