import type { OutputParser, OutputReport } from '../run/process-spec.js';
import { agentFailure } from './agent-failure.js';
import { asCount, asObject, asText, type JsonObject, objectFromLine, present, summaryOf } from './json-line.js';
import type { Preset } from './preset.js';

/** Claude Code, `claude --print --output-format stream-json`: one JSON message a line, the last of type `result`. */
export const claude: Preset = {
  command: 'claude',
  args: ({ sessionId, extra }) => [
    '--print',
    '--output-format',
    'stream-json',
    '--verbose',
    ...(sessionId === null ? [] : ['--resume', sessionId]),
    ...extra,
  ],
  createParser: createClaudeParser,
  installHint: 'Install it with `npm install -g @anthropic-ai/claude-code` and sign in once with `claude`.',
};

function createClaudeParser(): OutputParser {
  let sessionId: string | null = null;
  let model: string | null = null;
  let result: JsonObject | null = null;
  return {
    push(line) {
      const message = objectFromLine(line);
      if (message === null) return;
      sessionId = asText(message['session_id']) ?? sessionId;
      if (message['type'] === 'system') model = asText(message['model']) ?? model;
      if (message['type'] === 'result') result = message;
    },
    finish: () => ({
      provider: 'anthropic',
      ...present({ model, session: sessionId === null ? null : { id: sessionId } }),
      ...(result === null ? {} : reportOf(result)),
    }),
  };
}

function reportOf(result: JsonObject): OutputReport {
  const text = asText(result['result']);
  const usage = asObject(result['usage']);
  const isError = result['is_error'] === true || (asText(result['subtype']) ?? 'success') !== 'success';
  return {
    ...present({
      costUsd: asCount(result['total_cost_usd']),
      summary: summaryOf(text),
      usage: usage === null ? null : usageOf(usage),
    }),
    ...(isError ? { failure: agentFailure(text ?? `The agent ended with ${String(result['subtype'])}.`) } : {}),
  };
}

function usageOf(usage: JsonObject): NonNullable<OutputReport['usage']> {
  const fresh = asCount(usage['input_tokens']);
  const written = asCount(usage['cache_creation_input_tokens']);
  const cached = asCount(usage['cache_read_input_tokens']);
  return present({
    // The provider counts what it read from its cache apart from the input.
    inputTokens: fresh === null ? null : fresh + (written ?? 0) + (cached ?? 0),
    cachedInputTokens: cached,
    outputTokens: asCount(usage['output_tokens']),
  });
}
