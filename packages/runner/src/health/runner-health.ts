import { deriveRunnerHealth, type RunnerClientHealth, type RunnerHealth, type RunnerSessionOpened } from '@runbeat/protocol';
import { runnerVersion } from '../version.js';

export interface RunnerHealthFacts {
  /** Null = not registered with this server yet. */
  readonly runnerId: string | null;
  readonly profile: Pick<RunnerHealth['runner'], 'name' | 'labels' | 'slots' | 'adapters'>;
  /** Null = it was never started. */
  readonly client: RunnerClientHealth | null;
  readonly session: RunnerSessionOpened | null;
  readonly jobs: RunnerHealth['jobs'];
  readonly nowMs: number;
  readonly pollGraceMs: number;
}

const NOT_REGISTERED = '00000000-0000-0000-0000-000000000000';

/** The health document as the runner itself sees it, in the form in which the server tells it. */
export function runnerHealthFrom(facts: RunnerHealthFacts): RunnerHealth {
  const { client, session, nowMs, pollGraceMs } = facts;
  const contactAgeMs = client?.serverContactAgeMs ?? null;
  const lastPollOkAt = client?.lastPollOkAt ?? null;
  const pollAgeMs = lastPollOkAt === null ? null : nowMs - Date.parse(lastPollOkAt);
  const leaseRemainingMs = session === null || contactAgeMs === null ? null : session.leaseMs - contactAgeMs;
  const derived = deriveRunnerHealth({
    adminStatus: 'enabled',
    lastSeenAgeMs: contactAgeMs,
    // Without a session there is no lease, once there was contact.
    leaseRemainingMs: leaseRemainingMs ?? (contactAgeMs === null ? null : 0),
    pollAgeMs,
    pollWaitMs: session?.pollWaitMs ?? 0,
    pollGraceMs,
    client,
  });
  return {
    runner: {
      ...facts.profile,
      id: facts.runnerId ?? NOT_REGISTERED,
      version: runnerVersion,
      adminStatus: 'enabled',
      livenessStatus: derived.livenessStatus,
      leaseRemainingMs,
      lastSeenAt: contactAgeMs === null ? null : new Date(nowMs - contactAgeMs).toISOString(),
      pollAgeMs,
    },
    client,
    jobs: facts.jobs,
    health: derived.health,
  };
}
