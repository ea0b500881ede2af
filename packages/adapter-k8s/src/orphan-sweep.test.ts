import { describe, expect, test } from 'vitest';
import { planOrphans } from './orphan-sweep.js';
import type { WireJob } from './wire.js';

const nowMs = Date.parse('2026-11-22T01:00:00Z');
const jobOf = (runId: string, facts: { suspend?: boolean; minutes?: number; status?: object } = {}): WireJob =>
  ({
    metadata: {
      name: runId,
      annotations: { 'runbeat.dev/run-id': runId },
      creationTimestamp: new Date(nowMs - (facts.minutes ?? 20) * 60_000).toISOString(),
    },
    spec: { suspend: facts.suspend ?? true },
    status: facts.status ?? {},
  }) as unknown as WireJob;

const names = (jobs: WireJob[], known: ReadonlySet<string> | null): (string | undefined)[] =>
  planOrphans({ jobs, ownRunIds: new Set(['own']), knownRunIds: known, nowMs, ageMs: 600_000 }).map((job) => job.metadata?.name);

describe('Jobs that nobody comes back for', () => {
  test('are the suspended ones that are old enough and not ours', () => {
    const jobs = [jobOf('old'), jobOf('own'), jobOf('young', { minutes: 9 }), jobOf('working', { suspend: false })];
    expect(names(jobs, null)).toEqual(['old']);
  });

  test('are released ones too when the host knows no such run', () => {
    const done = { conditions: [{ type: 'Complete', status: 'True' }] };
    const jobs = [
      jobOf('lost', { suspend: false }),
      jobOf('elsewhere', { suspend: false }),
      jobOf('finished', { suspend: false, status: done }),
    ];
    expect(names(jobs, new Set(['elsewhere']))).toEqual(['lost']);
  });

  test('are never Jobs that Runbeat did not make', () => {
    const stranger = { ...jobOf('x'), metadata: { name: 'x', creationTimestamp: '2020-01-01T00:00:00Z' } } as WireJob;
    expect(names([stranger], new Set())).toEqual([]);
  });
});
