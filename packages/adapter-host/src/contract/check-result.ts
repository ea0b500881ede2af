import { z } from 'zod';
import { hostError } from '../adapter-host-error.js';

/** An adapter's answer, checked: what it says goes into the database and decides about retries. */
export function checkResult<T>(type: string, method: string, schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const message = `The adapter ${type} answered ${method} with a value of the wrong shape: ${z.prettifyError(parsed.error)}`;
  throw hostError('adapter_result_invalid', message, { cause: parsed.error });
}
