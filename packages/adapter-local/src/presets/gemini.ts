import type { OutputParser, OutputReport } from '../run/process-spec.js';
import { agentFailure } from './agent-failure.js';
import { asCount, asObject, asText, type JsonObject, objectFromLine, present, summaryOf } from './json-line.js';
import type { Preset } from './preset.js';

/** Gemini CLI, `gemini --output-format stream-json`: events, the last of type `result`. */
export const gemini: Preset = {
  command: 'gemini',
  args: ({ sessionId, extra }) => [
    '--output-format',
    'stream-json',
    ...(sessionId === null ? [] : ['--resume', sessionId]),
    ...extra,
  ],
  createParser: createGeminiParser,
  installHint: 'Install it with `npm install -g @google/gemini-cli` and sign in once with `gemini`.',
};

function createGeminiParser(): OutputParser {
  let sessionId: string | null = null;
  let model: string | null = null;
  let answer = '';
  let result: JsonObject | null = null;
  let problem: string | null = null;
  return {
    push(line) {
      const event = objectFromLine(line);
      if (event === null) return;
      switch (event['type']) {
        case 'init':
          sessionId = asText(event['session_id']);
          model = asText(event['model']);
          break;
        case 'message':
          if (event['role'] !== 'assistant') break;
          // Pieces of one message are marked; a message without the mark replaces the one before it.
          answer = event['delta'] === true ? answer + (asText(event['content']) ?? '') : (asText(event['content']) ?? answer);
          break;
        case 'tool_use':
          // What is said before a tool is used is not the final answer.
          answer = '';
          break;
        case 'error':
          if (event['severity'] !== 'warning') problem = asText(event['message']) ?? problem;
          break;
        case 'result':
          result = event;
          break;
      }
    },
    finish: () => {
      const ended = result === null ? null : failureOf(result);
      const message = ended ?? (result === null ? problem : null);
      return {
        provider: 'google',
        ...present({
          model,
          session: sessionId === null ? null : { id: sessionId },
          summary: summaryOf(answer),
          usage: result === null ? null : usageOf(result),
        }),
        ...(message === null ? {} : { failure: agentFailure(message) }),
      };
    },
  };
}

function failureOf(result: JsonObject): string | null {
  if (result['status'] === 'success') return null;
  return asText(asObject(result['error'])?.['message']) ?? `The agent ended with status ${String(result['status'])}.`;
}

function usageOf(result: JsonObject): OutputReport['usage'] | null {
  const stats = asObject(result['stats']);
  if (stats === null) return null;
  return present({
    inputTokens: asCount(stats['input_tokens']),
    cachedInputTokens: asCount(stats['cached']),
    outputTokens: asCount(stats['output_tokens']),
  });
}
