import type { Json } from '@runbeat/adapter-sdk';
import { jsonCopy } from './json-copy.js';
import { isMembers, type PaperclipSessionCodec } from './paperclip-module.js';

/** What a module gets as `runtime`. */
export interface PaperclipRuntime {
  readonly sessionId: string | null;
  readonly sessionParams: Readonly<Record<string, unknown>> | null;
  readonly sessionDisplayId: string | null;
  readonly taskKey: string | null;
}

/** The `runtime` for a run, from what an earlier run of the same task key left as session. */
export function runtimeFromSession(
  previous: Json,
  taskKey: string | null,
  codec: PaperclipSessionCodec | null,
): PaperclipRuntime {
  const stored: Readonly<Record<string, unknown>> = isMembers(previous) ? previous : {};
  const rawParams = stored['params'] ?? null;
  const decoded = codec && rawParams !== null ? codec.deserialize(rawParams) : rawParams;
  const sessionParams = isMembers(decoded) ? decoded : null;
  return {
    sessionId: textOr(stored['sessionId'], textOr(sessionParams?.['sessionId'], null)),
    sessionParams,
    sessionDisplayId: textOr(stored['displayId'], null),
    taskKey,
  };
}

/**
 * The session to keep, from a module's result. Undefined = the result says nothing of a session, the old one stays;
 * null = forget it.
 */
export function sessionFromResult(
  result: Readonly<Record<string, unknown>>,
  codec: PaperclipSessionCodec | null,
): Json | undefined {
  if (result['clearSession'] === true) return null;
  const { sessionParams, sessionId } = result;
  if (sessionParams === undefined && sessionId === undefined) return undefined;
  const legacyId = textOr(sessionId, null);
  const params = isMembers(sessionParams) ? sessionParams : legacyId === null ? null : { sessionId: legacyId };
  if (params === null) return null;
  const encoded = jsonCopy(codec ? codec.serialize(params) : params) ?? null;
  if (encoded === null) return null;
  const displayId = textOr(result['sessionDisplayId'], textOr(codec?.getDisplayId?.(params), legacyId));
  return { params: encoded, sessionId: legacyId ?? textOr(params['sessionId'], null), displayId };
}

function textOr<T>(value: unknown, other: T): string | T {
  return typeof value === 'string' && value !== '' ? value : other;
}
