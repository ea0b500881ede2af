import { isAdapterError } from '@runbeat/adapter-sdk';
import { ServerError } from '../server-error.js';

/** What installing and loading packages may reject with; the server has the same codes, with HTTP statuses. */
const installCodes = [
  'adapter_incompatible',
  'adapter_install_failed',
  'adapter_missing',
  'adapter_package_invalid',
  'adapter_spec_invalid',
] as const;

/** A failure of the adapter-host's installer as the server's own; anything else comes back as it is. */
export function serverErrorFrom(error: unknown): unknown {
  if (!isAdapterError(error)) return error;
  const code = installCodes.find((one) => one === error.code);
  return code === undefined ? error : new ServerError(code, error.message, { cause: error, evidence: error.detail });
}

/** Rejects as `serverErrorFrom` has it. */
export async function withServerErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw serverErrorFrom(error);
  }
}
