import type { AgentIdentityV1, Json, RunInputV1 } from '@runbeat/adapter-sdk';

/** What a template may speak of. */
export interface TemplateFacts {
  readonly runId: string;
  readonly agent: AgentIdentityV1;
  readonly input: RunInputV1;
}

const placeholder = /\{\{\s*([^{}]*?)\s*\}\}/g;
const roots = ['prompt', 'reason', 'source', 'taskKey', 'runId', 'issue', 'agent', 'payload'] as const;

/** What is wrong with a template, in words; null = nothing. */
export function templateProblem(template: string): string | null {
  for (const [whole, path = ''] of template.matchAll(placeholder)) {
    const root = path.split('.')[0] ?? '';
    if ((roots as readonly string[]).includes(root)) continue;
    return `${whole} is not known. Use one of ${roots.map((name) => `{{${name}}}`).join(', ')}; parts by dots, as in {{issue.title}}.`;
  }
  return null;
}

/**
 * The text with every `{{path}}` replaced by what it names in the run's input. Absent values give nothing; what is not
 * text is written as JSON. The result is not looked at again, so input that holds `{{…}}` stays as it is.
 */
export function fillTemplate(template: string, facts: TemplateFacts): string {
  const { input } = facts;
  const values: Record<(typeof roots)[number], Json> = {
    prompt: input.prompt,
    reason: input.reason,
    source: input.source,
    taskKey: input.taskKey,
    runId: facts.runId,
    issue: input.issue === null ? null : { ...input.issue },
    agent: { ...facts.agent },
    payload: input.payload,
  };
  return template.replace(placeholder, (_whole, path: string) => textOf(path.split('.').reduce<Json>(part, values)));
}

function part(value: Json, name: string): Json {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return null;
  return (value as Readonly<Record<string, Json | undefined>>)[name] ?? null;
}

function textOf(value: Json): string {
  if (value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
