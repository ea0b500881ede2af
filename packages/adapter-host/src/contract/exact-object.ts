import { z } from 'zod';

/** The type that is left when members which are `undefined` are left out instead. */
export type Exact<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/**
 * A schema of an object whose optional members may be given as `undefined` and come out absent, as the contract's types
 * (`exactOptionalPropertyTypes`) want them. Unknown members are dropped: a newer adapter may say more than we read.
 */
export function exactObject<Shape extends z.ZodRawShape>(shape: Shape) {
  return z.object(shape).transform(withoutUndefined);
}

export function withoutUndefined<T extends object>(value: T): Exact<T> {
  const result: Partial<T> = {};
  for (const key of Object.keys(value) as (keyof T)[]) if (value[key] !== undefined) result[key] = value[key];
  return result as Exact<T>;
}
