import type { AdapterV1 } from './v1/adapter-v1.js';

/** Values of `specVersion` that hosts built on this SDK accept. */
export const supportedSpecVersions = ['adapter-v1'] as const;

/** What an adapter's `type` looks like. */
export const adapterTypePattern = /^[a-z][a-z0-9_-]{0,62}$/;

export interface AdapterProblem {
  /** The member at fault, `outOfProcess.probe`; empty = the value as a whole. */
  readonly field: string;
  readonly message: string;
  readonly code: 'adapter_incompatible' | 'adapter_invalid';
}

export type AdapterCheck =
  | { readonly ok: true; readonly adapter: AdapterV1 }
  | { readonly ok: false; readonly problems: readonly AdapterProblem[] };

type Members = Readonly<Record<string, unknown>>;

/**
 * Called by hosts when an adapter is registered: is `value` an adapter of a version that we can run? Looks at the shape
 * only and calls nothing of it. All problems are reported at once, each naming its field.
 */
export function checkAdapter(value: unknown): AdapterCheck {
  if (!isRecord(value)) {
    return refused([
      invalid('', `An adapter must be an object, this is ${describe(value)}. Export what defineAdapter() returns.`),
    ]);
  }
  const incompatible = specVersionProblem(value);
  // The other members mean something else in another version, so they are not judged.
  if (incompatible) return refused([incompatible]);
  const problems = [...coreProblems(value), ...livenessProblems(value), ...optionalProblems(value)];
  return problems.length > 0 ? refused(problems) : { ok: true, adapter: value as unknown as AdapterV1 };
}

function specVersionProblem(value: Members): AdapterProblem | null {
  const version = value['specVersion'];
  if (supportedSpecVersions.some((supported) => supported === version)) return null;
  const supported = supportedSpecVersions.map((one) => `'${one}'`).join(', ');
  return {
    field: 'specVersion',
    code: 'adapter_incompatible',
    message: `specVersion is ${describe(version)}; supported here: ${supported}. Use a release of the adapter that is built for one of them.`,
  };
}

function coreProblems(value: Members): AdapterProblem[] {
  const problems: AdapterProblem[] = [];
  const type = value['type'];
  if (typeof type !== 'string' || !adapterTypePattern.test(type)) {
    problems.push(invalid('type', `type must match ${String(adapterTypePattern)}, it is ${describe(type)}.`));
  }
  const schema = value['configSchema'];
  const standard = isRecord(schema) || typeof schema === 'function' ? (schema as unknown as Members)['~standard'] : undefined;
  if (!isRecord(standard) || standard['version'] !== 1 || typeof standard['validate'] !== 'function') {
    problems.push(
      invalid(
        'configSchema',
        'configSchema must be a Standard Schema (zod, valibot, arktype …); it has no `~standard` of version 1.',
      ),
    );
  }
  problems.push(...functionProblems(value, '', ['execute']));
  return problems;
}

function livenessProblems(value: Members): AdapterProblem[] {
  const flag = value['hasOutOfProcessLiveness'];
  const outOfProcess = value['outOfProcess'];
  if (typeof flag !== 'boolean') {
    return [
      invalid(
        'hasOutOfProcessLiveness',
        `hasOutOfProcessLiveness must be true (the work goes on when the host dies) or false (it ends with the host); it is ${describe(flag)}.`,
      ),
    ];
  }
  if (!flag) {
    if (outOfProcess === undefined) return [];
    return [
      invalid(
        'outOfProcess',
        'outOfProcess must be absent when hasOutOfProcessLiveness is false; set the flag to true or remove it.',
      ),
    ];
  }
  if (!isRecord(outOfProcess)) {
    return [
      invalid(
        'outOfProcess',
        `outOfProcess is required when hasOutOfProcessLiveness is true: { kind: 'handle', probe, reattach, terminate } or { kind: 'log-driven', terminate }; it is ${describe(outOfProcess)}.`,
      ),
    ];
  }
  return outOfProcessProblems(outOfProcess);
}

function outOfProcessProblems(outOfProcess: Members): AdapterProblem[] {
  switch (outOfProcess['kind']) {
    case 'handle':
      return functionProblems(outOfProcess, 'outOfProcess.', ['probe', 'reattach', 'terminate']);
    case 'log-driven':
      return [
        ...functionProblems(outOfProcess, 'outOfProcess.', ['terminate']),
        ...['probe', 'reattach']
          .filter((name) => outOfProcess[name] !== undefined)
          .map((name) =>
            invalid(`outOfProcess.${name}`, `outOfProcess.${name} must be absent with kind 'log-driven'; use kind 'handle'.`),
          ),
      ];
    default:
      return [
        invalid(
          'outOfProcess.kind',
          `outOfProcess.kind must be 'handle' or 'log-driven', it is ${describe(outOfProcess['kind'])}.`,
        ),
      ];
  }
}

function optionalProblems(value: Members): AdapterProblem[] {
  const problems: AdapterProblem[] = [];
  const limit = value['maxConcurrentRuns'];
  if (limit !== undefined && !(Number.isSafeInteger(limit) && (limit as number) > 0)) {
    problems.push(
      invalid(
        'maxConcurrentRuns',
        `maxConcurrentRuns must be a whole number above 0, or absent for no limit; it is ${describe(limit)}.`,
      ),
    );
  }
  if (value['testEnvironment'] !== undefined) problems.push(...functionProblems(value, '', ['testEnvironment']));
  const interactive = value['interactive'];
  if (interactive === undefined) return problems;
  if (!isRecord(interactive))
    return [...problems, invalid('interactive', `interactive must be an object, it is ${describe(interactive)}.`)];
  const protocol = interactive['protocol'];
  if (protocol !== 'json-rpc-lines' && protocol !== 'acp') {
    problems.push(
      invalid('interactive.protocol', `interactive.protocol must be 'json-rpc-lines' or 'acp', it is ${describe(protocol)}.`),
    );
  }
  problems.push(...functionProblems(interactive, 'interactive.', ['open']));
  if (interactive['reattach'] !== undefined) problems.push(...functionProblems(interactive, 'interactive.', ['reattach']));
  return problems;
}

function functionProblems(owner: Members, prefix: string, names: readonly string[]): AdapterProblem[] {
  return names
    .filter((name) => typeof owner[name] !== 'function')
    .map((name) => invalid(`${prefix}${name}`, `${prefix}${name} must be a function, it is ${describe(owner[name])}.`));
}

function invalid(field: string, message: string): AdapterProblem {
  return { field, message, code: 'adapter_invalid' };
}

function refused(problems: readonly AdapterProblem[]): AdapterCheck {
  return { ok: false, problems };
}

function isRecord(value: unknown): value is Members {
  return typeof value === 'object' && value !== null;
}

function describe(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'string') return `'${value.slice(0, 80)}'`;
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  return `a value of type ${Array.isArray(value) ? 'array' : typeof value}`;
}
