import { badRequest, failure } from './api-status.js';

type JsonRecord = Record<string, unknown>;

function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7396; also used for strategic merge patches, whose list rules nothing here needs. */
export function applyMergePatch(target: JsonRecord, bodyText: string): JsonRecord {
  const patch = parse(bodyText);
  if (!isRecord(patch)) {
    throw badRequest('error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}');
  }
  return merge(target, patch) as JsonRecord;
}

function merge(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const result: JsonRecord = isRecord(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merge(result[key], value);
  }
  return result;
}

interface JsonPatchStep {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** RFC 6902, as far as `add`, `replace`, `remove` and `test` go. */
export function applyJsonPatch(target: JsonRecord, bodyText: string): JsonRecord {
  const steps = parse(bodyText);
  if (!Array.isArray(steps)) {
    throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp');
  }
  const result = structuredClone(target);
  for (const step of steps as JsonPatchStep[]) applyStep(result, step);
  return result;
}

function applyStep(root: JsonRecord, step: JsonPatchStep): void {
  const refuse = (): never => {
    const message = 'the server rejected our request due to an error in our request';
    throw failure({ code: 422, reason: 'Invalid', message, details: {} });
  };
  const keys = step.path
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
  const last = keys.pop() ?? '';
  let parent: unknown = root;
  for (const key of keys) parent = isRecord(parent) ? parent[key] : refuse();
  if (!isRecord(parent)) throw refuse();
  if (step.op === 'test' && JSON.stringify(parent[last]) !== JSON.stringify(step.value)) refuse();
  if (step.op === 'replace' && !(last in parent)) refuse();
  if (step.op === 'add' || step.op === 'replace') parent[last] = step.value;
  if (step.op === 'remove') delete parent[last];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest('error decoding patch: unexpected end of JSON input');
  }
}
