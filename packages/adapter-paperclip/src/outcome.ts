import {
  isHostFailureCode,
  type Json,
  type RunFailureV1,
  type RunOutcomeV1,
  type RunResultV1,
  type RunUsageV1,
} from '@runbeat/adapter-sdk';
import { jsonCopy } from './json-copy.js';
import { isMembers } from './paperclip-module.js';

type Members = Readonly<Record<string, unknown>>;

/** Families of errors that go away by themselves. */
const RETRYABLE_FAMILIES: ReadonlySet<unknown> = new Set(['transient_upstream', 'provider_quota']);

/** A run's result from a module's. Paperclip's rule: exit code 0 (or none) and no error message is success. */
export function resultFromModule(type: string, rawResult: unknown, config: Members): RunResultV1 {
  if (!isMembers(rawResult)) {
    const message = 'The Paperclip module answered execute without a result object; its author must return one.';
    return { status: 'failed', error: { code: 'adapter_error', message, retryable: false } };
  }
  return { ...outcomeFromModule(type, rawResult, config), ...reportFromModule(rawResult) };
}

function outcomeFromModule(type: string, result: Members, config: Members): RunOutcomeV1 {
  const signal = textOf(result['signal']);
  if (result['timedOut'] === true) {
    const limitSec = config['timeoutSec'];
    return { status: 'timed_out', limitMs: typeof limitSec === 'number' ? limitSec * 1000 : 0, forced: signal === 'SIGKILL' };
  }
  const exitCode = numberOf(result['exitCode']);
  const message = textOf(result['errorMessage']);
  if ((exitCode ?? 0) === 0 && signal === null && message === null) return { status: 'succeeded' };
  return { status: 'failed', error: failureFromModule(type, result, { exitCode, signal, message }) };
}

function failureFromModule(
  type: string,
  result: Members,
  end: { exitCode: number | null; signal: string | null; message: string | null },
): RunFailureV1 {
  const retryNotBefore = textOf(result['retryNotBefore']);
  const detail = jsonCopy({ errorFamily: result['errorFamily'], errorMeta: result['errorMeta'], question: result['question'] });
  return {
    code: failureCode(type, textOf(result['errorCode']), end),
    message:
      end.message ?? (end.signal ? `The process was ended by ${end.signal}.` : `The process exited with code ${end.exitCode}.`),
    retryable: retryNotBefore !== null || RETRYABLE_FAMILIES.has(result['errorFamily']),
    ...(retryNotBefore === null ? {} : { retryNotBefore }),
    ...(end.exitCode === null ? {} : { exitCode: end.exitCode }),
    ...(end.signal === null ? {} : { signal: end.signal }),
    ...(detail === undefined || Object.keys(detail as object).length === 0 ? {} : { detail }),
  };
}

/** A module's own code, prefixed by its type as the contract asks; else what the end of its process was. */
function failureCode(type: string, code: string | null, end: { exitCode: number | null; signal: string | null }): string {
  if (code !== null) return isHostFailureCode(code) || code.startsWith(`${type}.`) ? code : `${type}.${code}`;
  if (end.signal !== null) return 'killed_by_signal';
  return (end.exitCode ?? 0) === 0 ? 'adapter_error' : 'exit_nonzero';
}

interface Report {
  usage?: RunUsageV1;
  provider?: string;
  model?: string;
  costUsd?: number;
  summary?: string;
  resultJson?: Json;
}

function reportFromModule(result: Members): Report {
  const report: Report = {};
  const usage = usageFromModule(result['usage']);
  if (usage) report.usage = usage;
  for (const name of ['provider', 'model', 'summary'] as const) {
    const text = textOf(result[name]);
    if (text !== null) report[name] = text;
  }
  const costUsd = numberOf(result['costUsd']);
  if (costUsd !== null) report.costUsd = costUsd;
  const resultJson = jsonCopy(result['resultJson']);
  if (resultJson !== undefined && resultJson !== null) report.resultJson = resultJson;
  return report;
}

function usageFromModule(usage: unknown): RunUsageV1 | null {
  if (!isMembers(usage)) return null;
  const named: { -readonly [Key in keyof RunUsageV1]: RunUsageV1[Key] } = {};
  for (const name of ['inputTokens', 'outputTokens', 'cachedInputTokens'] as const) {
    const count = numberOf(usage[name]);
    if (count !== null) named[name] = count;
  }
  return Object.keys(named).length === 0 ? null : named;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
