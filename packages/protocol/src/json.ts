import { z } from 'zod';

/** Any value that JSON can hold. Unknown members of objects are kept as they are. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue | undefined };

/**
 * Free JSON. What arrives was parsed from JSON already, so that there is nothing left to check here; the server limits
 * its size and depth.
 */
export const jsonValueSchema: z.ZodType<JsonValue> = z.any().meta({ description: 'Any JSON value.' });

/** Free JSON that must be an object. */
export const jsonObjectSchema = z.record(z.string(), jsonValueSchema);
