import { describe, expect, test } from 'vitest';
import { planCandidates } from './orphan-sweep.js';
import type { WireJob } from './wire.js';

const nowMs = Date.parse('2026-11-22T01:00:00Z');
const jobOf = (
  runId: string,
  facts: { suspend?: boolean; minutes?: number; status?: object; installation?: string } = {},
): WireJob =>
  ({
    metadata: {
      name: runId,
      annotations: { 'runbeat.dev/run-id': runId },
      labels: facts.installation === undefined ? {} : { 'runbeat.dev/installation': facts.installation },
      creationTimestamp: new Date(nowMs - (facts.minutes ?? 20) * 60_000).toISOString(),
    },
    spec: { suspend: facts.suspend ?? true },
    status: facts.status ?? {},
  }) as unknown as WireJob;

const names = (jobs: WireJob[], installation: string | null): (string | undefined)[] =>
  planCandidates({ jobs, ownRunIds: new Set(['own']), installation, nowMs, ageMs: 600_000 }).map((job) => job.metadata?.name);

describe('Jobs that nobody may come back for', () => {
  test('are the suspended ones that are old enough and not ours, when the host does not say which installation it is', () => {
    const jobs = [jobOf('old'), jobOf('own'), jobOf('young', { minutes: 9 }), jobOf('working', { suspend: false })];
    expect(names(jobs, null)).toEqual(['old']);
  });

  test('are released ones too, of its own installation', () => {
    const done = { conditions: [{ type: 'Complete', status: 'True' }] };
    const ours = { suspend: false, installation: 'a' };
    const jobs = [
      jobOf('released', ours),
      jobOf('suspended', { installation: 'a' }),
      jobOf('own', ours),
      jobOf('young', { ...ours, minutes: 9 }),
      jobOf('finished', { ...ours, status: done }),
    ];
    expect(names(jobs, 'a')).toEqual(['released', 'suspended']);
  });

  test('are never those of another installation, or of a host that did not say', () => {
    const jobs = [
      jobOf('theirs', { installation: 'b' }),
      jobOf('unsaid'),
      jobOf('working', { suspend: false, installation: 'b' }),
    ];
    expect(names(jobs, 'a')).toEqual([]);
    expect(names(jobs, null)).toEqual(['unsaid']);
  });

  test('are never Jobs that Runbeat did not make', () => {
    const stranger = { ...jobOf('x'), metadata: { name: 'x', creationTimestamp: '2020-01-01T00:00:00Z' } } as WireJob;
    expect(names([stranger], null)).toEqual([]);
    expect(names([stranger], 'a')).toEqual([]);
  });
});
