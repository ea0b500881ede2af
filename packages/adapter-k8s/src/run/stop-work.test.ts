import { describe, expect, test } from 'vitest';
import type { WireJob, WirePod } from '../wire.js';
import { planStop, type StopFactsNow } from './stop-work.js';

const job = { metadata: { name: 'j' } } as WireJob;
const going = { metadata: { name: 'j', deletionTimestamp: '2026-11-22T00:00:00Z' } } as WireJob;
const pod = (state: object, extra: { deleted?: boolean; phase?: string } = {}): WirePod =>
  ({
    metadata: { name: 'p', ...(extra.deleted ? { deletionTimestamp: '2026-11-22T00:00:00Z' } : {}) },
    status: { phase: extra.phase ?? 'Running', containerStatuses: [{ name: 'work', state }] },
  }) as unknown as WirePod;
const running = { running: { startedAt: '2026-11-22T00:00:00Z' } };
const facts = (objects: StopFactsNow['objects'], change: Partial<StopFactsNow> = {}): StopFactsNow => ({
  objects,
  canLowerDeadline: true,
  loweredAt: null,
  graceMs: 1000,
  slackMs: 500,
  nowMs: 10_000,
  ...change,
});

describe('the next step of a stop', () => {
  test.each<[string, StopFactsNow, string]>([
    ['nothing is there', facts({ job: null, pods: [] }), 'nothing-left'],
    ['the Pod has ended', facts({ job, pods: [pod({}, { phase: 'Failed' })] }), 'nothing-left'],
    ['no Pod was made yet', facts({ job, pods: [] }), 'delete-job'],
    ['the container waits', facts({ job, pods: [pod({ waiting: { reason: 'ImagePullBackOff' } })] }), 'delete-job'],
    ['the Job is going already', facts({ job: going, pods: [pod({ waiting: {} })] }), 'wait'],
    ['the work runs', facts({ job, pods: [pod(running)] }), 'lower-deadline'],
    ['the deadline may not be lowered', facts({ job, pods: [pod(running)] }, { canLowerDeadline: false }), 'delete-job'],
    ['the deadline has its grace', facts({ job, pods: [pod(running)] }, { loweredAt: 9000 }), 'wait'],
    ['the deadline did nothing', facts({ job, pods: [pod(running)] }, { loweredAt: 8000 }), 'delete-pod'],
    ['the Pod is being deleted', facts({ job, pods: [pod(running, { deleted: true })] }), 'wait'],
    ['the container ended by itself', facts({ job, pods: [pod({ terminated: { exitCode: 0 } })] }), 'wait'],
    ['the Job is gone, its Pod works on', facts({ job: null, pods: [pod(running)] }), 'lower-deadline'],
  ])('%s', (_, now, step) => {
    expect(planStop(now).kind).toBe(step);
  });
});
