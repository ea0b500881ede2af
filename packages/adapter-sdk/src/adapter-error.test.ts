import { describe, expect, it } from 'vitest';
import { AdapterError, failureFromError, isAdapterError } from './adapter-error.js';

describe('AdapterError', () => {
  it('is recognised by its registered symbol, also when another copy of the SDK made it', () => {
    const foreign = Object.assign(new Error('from elsewhere'), {
      code: 'acme.quota',
      [Symbol.for('runbeat.adapter-error')]: true,
    });
    expect(isAdapterError(foreign)).toBe(true);
    expect(isAdapterError(new AdapterError('start_failed', 'no such command'))).toBe(true);
    expect(isAdapterError(Object.assign(new Error('x'), { code: 'start_failed' }))).toBe(false);
    expect(isAdapterError(null)).toBe(false);
  });

  it('keeps code, retryability and cause', () => {
    const cause = new Error('socket closed');
    const error = new AdapterError('acme.away', 'the service is away', {
      retryable: true,
      retryNotBefore: '2030-01-01T00:00:00Z',
      cause,
    });
    expect(error.cause).toBe(cause);
    expect(failureFromError(error)).toEqual({
      code: 'acme.away',
      message: 'the service is away',
      retryable: true,
      retryNotBefore: '2030-01-01T00:00:00Z',
    });
  });

  it('makes any other error an adapter_error that is not retried', () => {
    expect(failureFromError(new TypeError('x is undefined'))).toEqual({
      code: 'adapter_error',
      message: 'x is undefined',
      retryable: false,
    });
    expect(failureFromError('text')).toMatchObject({ code: 'adapter_error', message: 'text' });
    // A failure of an AdapterError from a foreign copy that lacks the newer members is still a plain failure.
    const foreign = Object.assign(new Error('m'), { code: 'c', [Symbol.for('runbeat.adapter-error')]: true });
    expect(failureFromError(foreign)).toEqual({ code: 'c', message: 'm', retryable: false });
  });
});
