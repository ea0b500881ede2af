import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adapterSdkErrorCodes } from './error-codes.js';
import { hostFailureCodes, isHostFailureCode } from './host-failure-codes.js';
import { assertNever } from './internal-error.js';

/** The codes in the table under a heading of docs/errors.md. */
function documentedCodes(heading: string): string[] {
  const text = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
  const section = text.split(/^## /m).find((one) => one.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \| .+ \| .+ \|$/gm)].map((match) => match[1] ?? '');
}

describe('error codes', () => {
  it('of the host are the documented ones', () => {
    expect(documentedCodes('adapter-v1')).toEqual([...hostFailureCodes]);
  });

  it('of the SDK are the documented ones', () => {
    expect(documentedCodes('@runbeat/adapter-sdk')).toEqual([...adapterSdkErrorCodes]);
  });

  it('tell the host apart from adapters', () => {
    expect(isHostFailureCode('exit_nonzero')).toBe(true);
    expect(isHostFailureCode('k8s.quota_exceeded')).toBe(false);
  });

  it('has one for what cannot happen', () => {
    expect(() => assertNever('surprise' as never, 'state')).toThrow(expect.objectContaining({ code: 'internal_error' }));
  });
});
