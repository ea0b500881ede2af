import type { OutputParser } from '../run/process-spec.js';
import { agentFailure } from './agent-failure.js';
import { asCount, asObject, asText, type JsonObject, objectFromLine, present, summaryOf } from './json-line.js';
import type { Preset } from './preset.js';

/** Codex, `codex exec --json -`: events of a thread, its turns and their items, one a line. */
export const codex: Preset = {
  command: 'codex',
  args: ({ sessionId, extra }) => ['exec', '--json', ...extra, ...(sessionId === null ? [] : ['resume', sessionId]), '-'],
  createParser: createCodexParser,
  installHint: 'Install it with `npm install -g @openai/codex` and sign in once with `codex login`.',
};

function createCodexParser(): OutputParser {
  let threadId: string | null = null;
  let answer: string | null = null;
  let problem: string | null = null;
  const usage = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 };
  let hasUsage = false;

  const count = (turn: JsonObject): void => {
    hasUsage = true;
    usage.inputTokens += asCount(turn['input_tokens']) ?? 0;
    usage.cachedInputTokens += asCount(turn['cached_input_tokens']) ?? 0;
    usage.outputTokens += asCount(turn['output_tokens']) ?? 0;
  };
  return {
    push(line) {
      const event = objectFromLine(line);
      if (event === null) return;
      switch (event['type']) {
        case 'thread.started':
          threadId = asText(event['thread_id']);
          break;
        case 'item.completed': {
          const item = asObject(event['item']);
          if (item?.['type'] === 'agent_message') answer = asText(item['text']) ?? answer;
          break;
        }
        case 'turn.completed': {
          // A turn that ended well makes up for the reconnects that were reported on its way.
          problem = null;
          const turn = asObject(event['usage']);
          if (turn !== null) count(turn);
          break;
        }
        case 'turn.failed':
          problem = asText(asObject(event['error'])?.['message']) ?? 'The turn failed without a message.';
          break;
        case 'error':
          problem = asText(event['message']) ?? problem;
          break;
      }
    },
    finish: () => ({
      provider: 'openai',
      ...present({
        session: threadId === null ? null : { id: threadId },
        summary: summaryOf(answer),
        usage: hasUsage ? usage : null,
      }),
      ...(problem === null ? {} : { failure: agentFailure(problem) }),
    }),
  };
}
