import type { Json } from '@runbeat/adapter-sdk';

/** Id of a request, as JSON-RPC 2.0 allows it. */
export type JsonRpcId = string | number;

/** What a line of a JSON-RPC 2.0 conversation is. */
export type JsonRpcMessage =
  | { readonly kind: 'request'; readonly id: JsonRpcId; readonly method: string; readonly params: Json }
  | { readonly kind: 'notification'; readonly method: string; readonly params: Json }
  | { readonly kind: 'result'; readonly id: JsonRpcId; readonly result: Json }
  | { readonly kind: 'error'; readonly id: JsonRpcId | null; readonly code: number; readonly message: string }
  /** Not a message; `problem` says why, without repeating what may be secret. */
  | { readonly kind: 'invalid'; readonly problem: string };

export function readJsonRpc(line: string): JsonRpcMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return invalid(`A line of ${line.length} characters is not JSON.`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return invalid('A line is JSON but no object.');
  const message = value as Readonly<Record<string, Json | undefined>>;
  if (message['jsonrpc'] !== '2.0') return invalid('A line is no JSON-RPC 2.0 message: the member "jsonrpc" is not "2.0".');
  const { id, method } = message;
  if (typeof method === 'string') {
    const params = message['params'] ?? null;
    if (id === undefined) return { kind: 'notification', method, params };
    return isId(id) ? { kind: 'request', id, method, params } : invalid('A request has an id that is neither text nor number.');
  }
  if (isId(id) && Object.hasOwn(message, 'result')) return { kind: 'result', id, result: message['result'] ?? null };
  return errorResponse(id, message['error']);
}

function errorResponse(id: Json | undefined, error: Json | undefined): JsonRpcMessage {
  if (typeof error !== 'object' || error === null || !('message' in error)) {
    return invalid('A message is neither request, notification, result nor error.');
  }
  const code = typeof error['code'] === 'number' ? error['code'] : 0;
  return { kind: 'error', id: isId(id) ? id : null, code, message: String(error['message']) };
}

function isId(id: Json | undefined): id is JsonRpcId {
  return typeof id === 'string' || typeof id === 'number';
}

function invalid(problem: string): JsonRpcMessage {
  return { kind: 'invalid', problem };
}

/** The line for a request that asks for an answer, or with id null for a notification. */
export function callLine(id: JsonRpcId | null, method: string, params: Json): string {
  return JSON.stringify({ jsonrpc: '2.0', ...(id === null ? {} : { id }), method, params });
}

export function resultLine(id: JsonRpcId, result: Json): string {
  return JSON.stringify({ jsonrpc: '2.0', id, result });
}

/** A request's id as text, so that `1` and `"1"` stay apart; and back. */
export function requestIdText(id: JsonRpcId): string {
  return JSON.stringify(id);
}

/** Null = no text that `requestIdText` gives. */
export function requestIdFromText(text: string): JsonRpcId | null {
  try {
    const id: unknown = JSON.parse(text);
    return typeof id === 'string' || typeof id === 'number' ? id : null;
  } catch {
    return null;
  }
}
