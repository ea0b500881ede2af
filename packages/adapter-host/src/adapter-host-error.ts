import { AdapterError, type AdapterErrorOptions } from '@runbeat/adapter-sdk';
import type { AdapterHostErrorCode } from './error-codes.js';

/** The one way in which this package makes an error: with one of its own codes. */
export function hostError(code: AdapterHostErrorCode, message: string, options?: AdapterErrorOptions): AdapterError {
  return new AdapterError(code, message, options);
}
