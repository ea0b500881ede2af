import { describe, expect, it } from 'vitest';
import { type EndFacts, outcomeFromEnd } from './outcome.js';
import { withReport } from './output-report.js';

const at = new Date(0);
const facts = (more: Partial<EndFacts>): EndFacts => ({
  end: { kind: 'exited', exitCode: 0, at },
  stop: null,
  largestBytes: 10,
  spoolLimitBytes: 1_000,
  command: 'agent',
  ...more,
});

describe('outcomeFromEnd', () => {
  it.each([
    [facts({}), { status: 'succeeded' }],
    [facts({ end: { kind: 'exited', exitCode: 3, at } }), { error: { code: 'exit_nonzero', exitCode: 3, retryable: false } }],
    [facts({ end: { kind: 'signalled', signal: 'SIGSEGV', at } }), { error: { code: 'killed_by_signal', signal: 'SIGSEGV' } }],
    [facts({ end: { kind: 'signalled', signal: 'SIGXFSZ', at } }), { error: { code: 'local.file_size_limit' } }],
    [facts({ end: { kind: 'exec_failed', status: 127 } }), { error: { code: 'start_failed', exitCode: 127 } }],
    [facts({ end: { kind: 'not_started' } }), { error: { code: 'start_failed', retryable: true } }],
    [facts({ end: { kind: 'vanished', signal: null } }), { error: { code: 'process_lost' } }],
    [facts({ end: { kind: 'vanished', signal: 'SIGKILL' } }), { error: { code: 'killed_by_signal', signal: 'SIGKILL' } }],
    [facts({ largestBytes: 1_000 }), { status: 'succeeded' }],
    [facts({ largestBytes: 1_001 }), { error: { code: 'log_limit_exceeded' } }],
  ])('case %#', (given, expected) => {
    expect(outcomeFromEnd(given)).toMatchObject(expected);
  });

  it('lets a stop decide, whatever came after it', () => {
    const stop = { kind: 'timed_out', limitMs: 5, forced: true } as const;
    expect(outcomeFromEnd(facts({ stop, largestBytes: 5_000 }))).toEqual({ status: 'timed_out', limitMs: 5, forced: true });
    expect(outcomeFromEnd(facts({ stop: { kind: 'cancelled', forced: false } }))).toEqual({ status: 'cancelled', forced: false });
  });
});

describe('withReport', () => {
  const failure = { code: 'local.rate_limited', message: 'later', retryable: true };
  const nonzero = outcomeFromEnd(facts({ end: { kind: 'exited', exitCode: 1, at } }));

  it('makes a succeeded run failed when the agent says so', () => {
    expect(withReport({ status: 'succeeded' }, { failure })).toEqual({ status: 'failed', error: failure });
  });

  it('gives a failed run the agent’s reason and keeps its exit code', () => {
    expect(withReport(nonzero, { failure })).toEqual({ status: 'failed', error: { ...failure, exitCode: 1 } });
  });

  it('leaves a stopped run and one that was killed as they are, but for the facts', () => {
    const killed = outcomeFromEnd(facts({ end: { kind: 'signalled', signal: 'SIGKILL', at } }));
    expect(withReport(killed, { failure, model: 'm' })).toEqual({ ...killed, model: 'm' });
    expect(withReport({ status: 'cancelled', forced: false }, { failure })).toEqual({ status: 'cancelled', forced: false });
  });
});
