import type { Json } from '@runbeat/adapter-sdk';
import { z } from 'zod';

/** Deeper nesting than this is refused: it is a cycle or an attack, and recursion over it would end the host. */
const DEPTH_LIMIT = 200;

/** Whether `value` survives `JSON.stringify` and `JSON.parse` unchanged. Cycles and class instances do not. */
export function isJson(value: unknown, depth = 0): value is Json {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth > DEPTH_LIMIT) return false;
  if (Array.isArray(value)) return value.every((item) => isJson(item, depth + 1));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null) return false;
  return Object.values(value).every((item) => item === undefined || isJson(item, depth + 1));
}

export const jsonValue = z.custom<Json>((value) => isJson(value), 'must be plain JSON');
