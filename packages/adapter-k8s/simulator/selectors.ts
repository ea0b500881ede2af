import type { ApiObject, Condition } from './api-objects.js';

export type Matches = (object: ApiObject) => boolean;

/** Label selectors as the API takes them: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b)`, `a`, `!a`. Throws the server's message. */
export function parseLabelSelector(text: string): Matches {
  const requirements = splitOutsideParentheses(text).map(parseRequirement);
  return (object) => requirements.every((holds) => holds(object.metadata.labels ?? {}));
}

type Requirement = (labels: Record<string, string>) => boolean;

function parseRequirement(text: string): Requirement {
  const set = /^\s*([\w./-]+)\s+(in|notin)\s+\(([^)]*)\)\s*$/.exec(text);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => (operator === 'in') === values.includes(labels[key] ?? '\u0000');
  }
  const equal = /^\s*([\w./-]+)\s*(==|=|!=)\s*([\w.-]*)\s*$/.exec(text);
  if (equal) {
    const [, key = '', operator, value] = equal;
    return (labels) => (operator === '!=' ? labels[key] !== value : labels[key] === value);
  }
  const exists = /^\s*(!?)\s*([\w./-]+)\s*$/.exec(text);
  if (exists) {
    const [, not, key = ''] = exists;
    return (labels) => (not === '!') !== key in labels;
  }
  throw new SelectorError("unable to parse requirement: found '=', expected: identifier");
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/).filter((part) => part.trim() !== '');
}

/** Recognised by the request handler, which answers 400 with the message. */
export class SelectorError extends Error {}

const SELECTABLE: Record<string, (object: ApiObject) => string | undefined> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace,
  'status.phase': (object) => field(object, 'status', 'phase'),
  'spec.nodeName': (object) => field(object, 'spec', 'nodeName') ?? '',
  'involvedObject.uid': (object) => field(object, 'involvedObject', 'uid'),
  'involvedObject.name': (object) => field(object, 'involvedObject', 'name'),
  'involvedObject.kind': (object) => field(object, 'involvedObject', 'kind'),
  reason: (object) => (object as { reason?: string }).reason,
  type: (object) => (object as { type?: string }).type,
};

const SELECTABLE_BY_KIND: Record<string, readonly string[]> = {
  Job: ['metadata.name', 'metadata.namespace'],
  Pod: ['metadata.name', 'metadata.namespace', 'status.phase', 'spec.nodeName'],
  Secret: ['metadata.name', 'metadata.namespace', 'type'],
  Event: [
    'metadata.name',
    'metadata.namespace',
    'involvedObject.uid',
    'involvedObject.name',
    'involvedObject.kind',
    'reason',
    'type',
  ],
};

export function parseFieldSelector(text: string, kind: string): Matches {
  const tests = text
    .split(',')
    .filter((part) => part !== '')
    .map((part) => {
      const [, key = '', operator, value] = /^([^=!]+)(==|=|!=)(.*)$/.exec(part) ?? [];
      const read = SELECTABLE_BY_KIND[kind]?.includes(key) ? SELECTABLE[key] : undefined;
      if (!read) throw new SelectorError(`field label "${key}" not supported for ${kind}`);
      return (object: ApiObject): boolean => (operator === '!=') !== (read(object) === value);
    });
  return (object) => tests.every((holds) => holds(object));
}

function field(object: ApiObject, part: string, name: string): string | undefined {
  const section = (object as unknown as Record<string, Record<string, string | Condition[]> | undefined>)[part];
  const value = section?.[name];
  return typeof value === 'string' ? value : undefined;
}
