import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runPhases } from '../model/index.js';
import { supervisorSettingsSchema } from '../supervisor-settings.js';
import { planRecovery } from './plan-recovery.js';
import type { AdapterFact, EvidenceFact, RecoveryFacts } from './recovery-facts.js';

const now = new Date('2026-01-01T12:00:00.000Z');
const ago = (minutes: number): Date => new Date(now.getTime() - minutes * 60_000);
const settings = supervisorSettingsSchema.parse({});
const processHandle = {
  kind: 'process',
  pid: 77,
  processGroupId: 77,
  startedAt: ago(60).toISOString(),
  host: 'h',
  bootId: 'b',
  startTicks: '1',
} as const;
const external = { kind: 'external', formatVersion: 1, ref: 'job' } as const;

type Change = Partial<Omit<RecoveryFacts, 'run'>> & { readonly run?: Partial<RecoveryFacts['run']> };
const facts = (change: Change): RecoveryFacts => ({
  now,
  owner: 'dead',
  adapter: { kind: 'attached' },
  evidence: { kind: 'none' },
  isWarm: true,
  settings,
  ...change,
  run: {
    phase: 'attached',
    handle: processHandle,
    updatedAt: ago(1),
    deadlineAt: null,
    timeoutMs: null,
    cancelRequestedAt: null,
    cancelReason: null,
    unknownSince: null,
    instanceDeathCount: 0,
    processLossRetryCount: 0,
    warning: null,
    ...change.run,
  },
});
const seen = (state: Extract<EvidenceFact, { kind: 'process' }>['state']): EvidenceFact => ({ kind: 'process', state });
const probed = (answer: Extract<EvidenceFact, { kind: 'probe' }>['answer'], isConfirmed = false): EvidenceFact => ({
  kind: 'probe',
  answer,
  isConfirmed,
});
const gone = (livingGroupMembers = 0, isReused = false): EvidenceFact => seen({ state: 'gone', isReused, livingGroupMembers });
const handle = { kind: 'handle' } as const;
const logDriven = { kind: 'log-driven' } as const;
const missing = { kind: 'missing', message: 'Adapter x is not registered.' } as const;
const unknown = probed({ state: 'unknown', retryAfterMs: 7_000, message: 'API away' });
const ended = probed({ state: 'ended', result: { status: 'succeeded' } });

/** The table of recovery.md, row by row, and the rows that it implies. */
const table: readonly (readonly [string, Change, Record<string, unknown>])[] = [
  [
    'attached, pid alive',
    { evidence: seen({ state: 'alive' }) },
    { kind: 'keep', finding: 'alive', detachedProcess: processHandle },
  ],
  [
    'attached, pid gone, group alive',
    { evidence: gone(2) },
    { kind: 'lose', code: 'process_lost', isEndedFirst: true, retry: 'process_lost' },
  ],
  [
    'attached, pid and group gone',
    { evidence: gone() },
    { kind: 'lose', code: 'process_lost', isEndedFirst: false, retry: 'process_lost' },
  ],
  [
    'attached, pid reused',
    { evidence: gone(0, true) },
    { kind: 'lose', code: 'process_lost', isEndedFirst: false, retry: 'process_lost' },
  ],
  [
    'attached, no handle',
    { run: { handle: null } },
    { kind: 'lose', code: 'process_lost', message: 'The server restarted before the process was recorded.' },
  ],
  [
    'attached, no handle, second death',
    { run: { handle: null, processLossRetryCount: 1 } },
    { kind: 'lose', code: 'adapter_crashed', retry: 'never' },
  ],
  [
    'attached, handle elsewhere',
    { evidence: seen({ state: 'elsewhere' }) },
    { kind: 'lose', code: 'process_lost', retry: 'process_lost' },
  ],
  ['attached, pid unknown', { evidence: seen({ state: 'unknown', message: 'EPERM' }) }, { kind: 'keep', finding: 'unknown' }],
  [
    'attached, pid unknown for 31 minutes',
    { evidence: seen({ state: 'unknown', message: 'EPERM' }), run: { unknownSince: ago(31), updatedAt: ago(40) } },
    { kind: 'lose', code: 'process_lost' },
  ],
  ['attached, external handle', { run: { handle: external } }, { kind: 'lose', code: 'process_lost', retry: 'process_lost' }],
  [
    'attached, followed here, silent for an hour',
    { owner: 'following', run: { updatedAt: ago(60) } },
    { kind: 'keep', finding: 'nothing_new' },
  ],
  [
    'handle, alive',
    { adapter: handle, evidence: probed({ state: 'alive' }) },
    { kind: 'reattach', isEnded: false, countsAsDeath: false },
  ],
  ['handle, ended', { adapter: handle, evidence: ended }, { kind: 'reattach', isEnded: true, countsAsDeath: false }],
  [
    'handle, ended, deadline passed meanwhile',
    { adapter: handle, evidence: ended, run: { deadlineAt: ago(1) } },
    { kind: 'reattach', isEnded: true },
  ],
  ['handle, gone once', { adapter: handle, evidence: probed({ state: 'gone' }) }, { kind: 'confirm_gone' }],
  [
    'handle, gone twice',
    { adapter: handle, evidence: probed({ state: 'gone' }, true) },
    { kind: 'lose', code: 'adapter_liveness_lost', retry: 'never' },
  ],
  [
    'handle, unknown',
    { adapter: handle, evidence: unknown },
    { kind: 'keep', finding: 'unknown', lookAgainAt: new Date(now.getTime() + 7_000) },
  ],
  [
    'handle, unknown for 31 minutes',
    { adapter: handle, evidence: unknown, run: { unknownSince: ago(31), updatedAt: ago(32) } },
    { kind: 'lose', code: 'adapter_liveness_lost', isEndedFirst: true },
  ],
  [
    'handle, unknown for 31 minutes, life in between',
    { adapter: handle, evidence: unknown, run: { unknownSince: ago(31), updatedAt: ago(3) } },
    { kind: 'keep' },
  ],
  [
    'handle, unknown for 31 minutes, cold start',
    { adapter: handle, evidence: unknown, isWarm: false, run: { unknownSince: ago(31), updatedAt: ago(32) } },
    { kind: 'keep' },
  ],
  [
    'handle, alive, host died while reattaching',
    { adapter: handle, evidence: probed({ state: 'alive' }), run: { phase: 'reattaching' } },
    { kind: 'reattach', countsAsDeath: true },
  ],
  [
    'handle, alive, 20th such death',
    { adapter: handle, evidence: probed({ state: 'alive' }), run: { phase: 'reattaching', instanceDeathCount: 19 } },
    { kind: 'lose', code: 'adapter_crashed', isEndedFirst: true },
  ],
  [
    'handle, nothing stored yet',
    { adapter: handle, run: { handle: null, phase: 'starting' } },
    { kind: 'restart', countsAsDeath: true },
  ],
  [
    'handle, nothing stored, second death',
    { adapter: handle, run: { handle: null, phase: 'starting', instanceDeathCount: 1 } },
    { kind: 'lose', code: 'adapter_crashed', isEndedFirst: true },
  ],
  [
    'handle, nothing stored, ours already',
    { owner: 'unfollowed', adapter: handle, run: { handle: null, phase: 'starting', instanceDeathCount: 1 } },
    { kind: 'restart', countsAsDeath: false },
  ],
  [
    'handle, followed here, alive',
    { owner: 'following', adapter: handle, evidence: probed({ state: 'alive' }) },
    { kind: 'keep', finding: 'alive' },
  ],
  [
    'handle, followed here, gone twice',
    { owner: 'following', adapter: handle, evidence: probed({ state: 'gone' }, true) },
    { kind: 'lose', code: 'adapter_liveness_lost' },
  ],
  ['handle, followed here, being started', { owner: 'following', adapter: handle, run: { handle: null } }, { kind: 'keep' }],
  [
    'log-driven, young',
    { adapter: logDriven, run: { updatedAt: ago(4) } },
    { kind: 'keep', lookAgainAt: new Date(now.getTime() + 60_000) },
  ],
  [
    'log-driven, old',
    { adapter: logDriven, run: { updatedAt: ago(6) } },
    { kind: 'lose', code: 'adapter_liveness_lost', isEndedFirst: true, retry: 'never' },
  ],
  ['log-driven, old, cold start', { adapter: logDriven, isWarm: false, run: { updatedAt: ago(6) } }, { kind: 'keep' }],
  ['adapter missing', { adapter: missing }, { kind: 'keep', finding: 'unknown' }],
  [
    'adapter missing for 31 minutes',
    { adapter: missing, run: { unknownSince: ago(31), updatedAt: ago(40), handle: external } },
    { kind: 'lose', code: 'adapter_missing', isEndedFirst: false },
  ],
  [
    'adapter missing for 31 minutes, cold start',
    { adapter: missing, isWarm: false, run: { unknownSince: ago(31), updatedAt: ago(40) } },
    { kind: 'keep' },
  ],
  [
    'adapter missing, cancelled, process known',
    { adapter: missing, run: { cancelRequestedAt: now } },
    { kind: 'stop', status: 'cancelled' },
  ],
  [
    'adapter missing, cancelled, nothing to stop it by',
    { adapter: missing, run: { cancelRequestedAt: now, handle: external } },
    { kind: 'keep' },
  ],
  [
    'deadline passed, attached alive',
    { evidence: seen({ state: 'alive' }), run: { deadlineAt: ago(1), timeoutMs: 5 } },
    { kind: 'stop', status: 'timed_out' },
  ],
  [
    'deadline passed, handle alive',
    { adapter: handle, evidence: probed({ state: 'alive' }), run: { deadlineAt: ago(1) } },
    { kind: 'stop', status: 'timed_out' },
  ],
  ['deadline passed, log-driven', { adapter: logDriven, run: { deadlineAt: ago(1) } }, { kind: 'stop', status: 'timed_out' }],
  ['deadline passed, followed here', { owner: 'following', run: { deadlineAt: ago(1) } }, { kind: 'keep' }],
  [
    'cancelled, detached process',
    { owner: 'unfollowed', evidence: seen({ state: 'alive' }), run: { cancelRequestedAt: now, cancelReason: 'enough' } },
    { kind: 'stop', status: 'cancelled', message: 'enough' },
  ],
  [
    'another instance follows it',
    { owner: 'alive', evidence: gone(), run: { deadlineAt: ago(1), cancelRequestedAt: now } },
    { kind: 'keep', finding: 'nothing_new' },
  ],
];

describe('planRecovery', () => {
  it.each(table)('%s', (_name, change, expected) => {
    expect(planRecovery(facts(change))).toMatchObject(expected);
  });

  it.each([
    [gone(1), 'descendant process group'],
    [gone(0, true), 'belongs to another process'],
    [seen({ state: 'elsewhere' } as const), 'on host h'],
  ])('says in words what it found (%#)', (evidence, words) => {
    expect(planRecovery(facts({ evidence }))).toMatchObject({ message: expect.stringContaining(words) });
  });

  const evidences: fc.Arbitrary<EvidenceFact> = fc.oneof(
    fc.constantFrom<EvidenceFact>(
      { kind: 'none' },
      gone(),
      gone(1),
      gone(0, true),
      seen({ state: 'alive' }),
      seen({ state: 'elsewhere' }),
      seen({ state: 'unknown', message: 'm' }),
    ),
    fc.constantFrom<EvidenceFact>(
      unknown,
      ended,
      probed({ state: 'alive' }),
      probed({ state: 'gone' }),
      probed({ state: 'gone' }, true),
    ),
  );
  const adapters = fc.constantFrom<AdapterFact>({ kind: 'attached' }, handle, logDriven, missing, {
    kind: 'unavailable',
    message: 'loading',
  });
  const anyFacts = fc
    .record({
      owner: fc.constantFrom<RecoveryFacts['owner']>('following', 'unfollowed', 'alive', 'dead'),
      adapter: adapters,
      evidence: evidences,
      isWarm: fc.boolean(),
      phase: fc.constantFrom(...runPhases),
      handle: fc.constantFrom(null, processHandle, external),
      silentMinutes: fc.integer({ min: 0, max: 90 }),
      unknownMinutes: fc.option(fc.integer({ min: 0, max: 90 }), { nil: null }),
      isCancelled: fc.boolean(),
      isOverdue: fc.boolean(),
      instanceDeathCount: fc.integer({ min: 0, max: 25 }),
      processLossRetryCount: fc.integer({ min: 0, max: 1 }),
    })
    .map((drawn) =>
      facts({
        owner: drawn.owner,
        adapter: drawn.adapter,
        evidence: drawn.evidence,
        isWarm: drawn.isWarm,
        run: {
          phase: drawn.phase,
          handle: drawn.handle,
          updatedAt: ago(drawn.silentMinutes),
          unknownSince: drawn.unknownMinutes === null ? null : ago(drawn.unknownMinutes),
          cancelRequestedAt: drawn.isCancelled ? ago(1) : null,
          deadlineAt: drawn.isOverdue ? ago(1) : null,
          instanceDeathCount: drawn.instanceDeathCount,
          processLossRetryCount: drawn.processLossRetryCount,
        },
      }),
    );

  it('never touches the run of another living instance, and always has an answer', () => {
    fc.assert(
      fc.property(anyFacts, (drawn) => {
        const plan = planRecovery(drawn);
        if (drawn.owner === 'alive') expect(plan.kind).toBe('keep');
      }),
      { numRuns: 3_000 },
    );
  });

  it('never loses a run that is proven alive, whose end is known, or that nobody could judge yet', () => {
    fc.assert(
      fc.property(anyFacts, (drawn) => {
        const plan = planRecovery(drawn);
        if (plan.kind !== 'lose') return;
        const { evidence, run } = drawn;
        const isRegistered = drawn.adapter.kind === 'attached' || drawn.adapter.kind === 'handle';
        if (drawn.adapter.kind === 'attached' && evidence.kind === 'process' && run.handle?.kind === 'process') {
          expect(evidence.state.state).not.toBe('alive');
        }
        if (isRegistered && drawn.adapter.kind === 'handle' && evidence.kind === 'probe' && run.handle !== null) {
          const { state } = evidence.answer;
          if (state === 'alive' || state === 'ended') expect(plan.code).toBe('adapter_crashed');
          if (state === 'gone') expect(evidence.isConfirmed).toBe(true);
        }
        if (!drawn.isWarm) expect(drawn.adapter.kind).not.toBe('log-driven');
        if (!isRegistered && drawn.adapter.kind !== 'log-driven') expect(plan.code).toBe('adapter_missing');
      }),
      { numRuns: 5_000 },
    );
  });

  it('allows a retry only for a lost process, and starts nothing anew whose handle was stored', () => {
    fc.assert(
      fc.property(anyFacts, (drawn) => {
        const plan = planRecovery(drawn);
        if (plan.kind === 'lose' && plan.retry === 'process_lost') expect(plan.code).toBe('process_lost');
        if (plan.kind === 'restart') expect(drawn.run.handle).toBeNull();
        if (plan.kind === 'reattach') expect(drawn.owner).not.toBe('following');
      }),
      { numRuns: 3_000 },
    );
  });
});
