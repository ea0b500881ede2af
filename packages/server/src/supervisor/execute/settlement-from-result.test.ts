import type { RunResultV1 } from '@runbeat/adapter-sdk';
import { describe, expect, it } from 'vitest';
import { settlementFromResult } from './settlement-from-result.js';
import type { StopReason } from './stop-reason.js';

type Ended = Exclude<RunResultV1, { status: 'detached' }>;
const results: Record<string, Ended> = {
  succeeded: { status: 'succeeded' },
  failed: { status: 'failed', error: { code: 'exit_nonzero', message: 'Exit code 3.', retryable: true, exitCode: 3 } },
  cancelled: { status: 'cancelled', forced: true },
  timed_out: { status: 'timed_out', limitMs: 5, forced: false },
};
const stops: Record<string, StopReason | null> = {
  none: null,
  cancelled: { kind: 'cancelled', message: 'enough' },
  timeout: { kind: 'timed_out', limit: 'timeout', limitMs: 9 },
  idle: { kind: 'timed_out', limit: 'idle_timeout', limitMs: 9 },
  shutdown: { kind: 'host_shutdown' },
};
/** Row: what the adapter says; column: why we asked it to end. */
const table: Record<string, Record<string, readonly [status: string, code: string | null, retry: string]>> = {
  succeeded: {
    none: ['succeeded', null, 'never'],
    cancelled: ['succeeded', null, 'never'],
    timeout: ['succeeded', null, 'never'],
    idle: ['succeeded', null, 'never'],
    shutdown: ['succeeded', null, 'never'],
  },
  failed: {
    none: ['failed', 'exit_nonzero', 'transient'],
    cancelled: ['cancelled', 'cancelled', 'never'],
    timeout: ['timed_out', 'timeout', 'never'],
    idle: ['failed', 'idle_timeout', 'never'],
    shutdown: ['failed', 'process_lost', 'process_lost'],
  },
  cancelled: {
    none: ['cancelled', 'cancelled', 'never'],
    cancelled: ['cancelled', 'cancelled', 'never'],
    timeout: ['timed_out', 'timeout', 'never'],
    idle: ['failed', 'idle_timeout', 'never'],
    shutdown: ['failed', 'process_lost', 'process_lost'],
  },
  timed_out: {
    none: ['timed_out', 'timeout', 'never'],
    cancelled: ['cancelled', 'cancelled', 'never'],
    timeout: ['timed_out', 'timeout', 'never'],
    idle: ['failed', 'idle_timeout', 'never'],
    shutdown: ['failed', 'process_lost', 'process_lost'],
  },
};
const cases = Object.keys(results).flatMap((result) => Object.keys(stops).map((stop) => [result, stop] as const));

describe('settlementFromResult', () => {
  it.each(cases)('records "%s" after the stop reason "%s" as the table says', (result, stop) => {
    const settlement = settlementFromResult(results[result] as Ended, stops[stop] ?? null);
    expect([settlement.status, settlement.error?.code ?? null, settlement.retry]).toEqual(table[result]?.[stop]);
  });

  it('keeps the exit code of work that was stopped, and the result that came with it', () => {
    const settlement = settlementFromResult(results['failed'] as Ended, stops['cancelled'] ?? null);
    expect(settlement).toMatchObject({ exitCode: 3, result: results['failed'] });
  });
});
