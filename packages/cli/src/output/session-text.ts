import type { JsonValue } from '@runbeat/protocol';

type JsonRecord = { readonly [key: string]: JsonValue | undefined };

const isRecord = (value: JsonValue | undefined): value is JsonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * What a person wants to see of an update. Agent Client Protocol updates are known (text of the answer, tool calls);
 * of other agents: the first of `text`, `delta`, `message` that is text, else the JSON itself.
 */
export function textFromUpdate(update: JsonValue): string {
  if (typeof update === 'string') return update;
  if (!isRecord(update)) return `${JSON.stringify(update)}\n`;
  const kind = update['sessionUpdate'];
  const content = update['content'];
  if (kind === 'agent_message_chunk') return isRecord(content) && typeof content['text'] === 'string' ? content['text'] : '';
  if (kind === 'tool_call' || kind === 'tool_call_update') {
    const title = update['title'];
    return typeof title === 'string' ? `[${title}${typeof update['status'] === 'string' ? `: ${update['status']}` : ''}]\n` : '';
  }
  // Thoughts, plans and the like are in the journal for whoever wants them.
  if (typeof kind === 'string') return '';
  return firstText(update) ?? `${JSON.stringify(update)}\n`;
}

/** The text of a prompt's result, where it has one; an ACP result only says why the turn ended. */
export function textFromResult(result: JsonValue): string {
  if (typeof result === 'string') return result;
  return isRecord(result) && result['stopReason'] === undefined ? (firstText(result) ?? '') : '';
}

function firstText(record: JsonRecord): string | null {
  for (const key of ['text', 'delta', 'message']) {
    const value = record[key];
    if (typeof value === 'string') return value;
  }
  return null;
}

/** A question in words and the answers that it offers, in the form in which the agent wants them. */
export function optionsOfRequest(request: JsonValue): {
  readonly title: string;
  readonly choices: readonly { readonly name: string; readonly answer: JsonValue }[];
} {
  if (!isRecord(request)) return { title: typeof request === 'string' ? request : JSON.stringify(request), choices: [] };
  const params = isRecord(request['params']) ? request['params'] : request;
  const toolCall = params['toolCall'];
  const title = [
    isRecord(toolCall) ? toolCall['title'] : undefined,
    params['title'],
    params['question'],
    params['message'],
    params['ask'],
  ].find((value) => typeof value === 'string');
  const options = Array.isArray(params['options']) ? (params['options'] as readonly JsonValue[]) : [];
  const choices = options.filter(isRecord).flatMap((option) => {
    const id = option['optionId'];
    const name = option['name'] ?? id;
    return typeof name === 'string' && typeof id === 'string'
      ? [{ name, answer: { outcome: { outcome: 'selected', optionId: id } } }]
      : [];
  });
  return { title: title ?? JSON.stringify(params), choices };
}
