import { deriveRunnerHealth, type RunnerHealth } from '@runbeat/protocol';
import type { RunnerContext } from './runner-context.js';
import type { RunnerRecord } from './runner-record.js';

/** The health of a runner as this server sees it now: its own account, and the ages that say what that is worth. */
export function reportRunnerHealth(context: RunnerContext, runner: RunnerRecord): RunnerHealth {
  const nowMs = context.clock.monotonicMs();
  const now = context.clock.now().getTime();
  const link = context.links.get(runner.id);
  const lastSeenAgeMs = link ? nowMs - link.lastSeenAtMs : runner.lastSeenAt ? now - runner.lastSeenAt.getTime() : null;
  const leaseRemainingMs = link ? link.leaseUntilMs - nowMs : null;
  const pollAgeMs = link?.lastPollAtMs == null ? null : nowMs - link.lastPollAtMs;
  const client = link?.client ?? null;
  const derived = deriveRunnerHealth({
    adminStatus: runner.adminStatus,
    lastSeenAgeMs,
    leaseRemainingMs,
    pollAgeMs,
    pollWaitMs: context.settings.runnerPollWaitMs,
    pollGraceMs: context.settings.runnerPollGraceMs,
    client,
  });
  const { id, name, labels, slots, version, adapters, adminStatus } = runner;
  return {
    runner: {
      id,
      name,
      labels: [...labels],
      slots,
      version,
      adapters: [...adapters],
      adminStatus,
      livenessStatus: derived.livenessStatus,
      leaseRemainingMs,
      lastSeenAt: lastSeenAgeMs === null ? null : new Date(now - lastSeenAgeMs).toISOString(),
      pollAgeMs,
    },
    client,
    jobs: [...(link?.jobs ?? [])],
    health: derived.health,
  };
}

/** Sets the gauges of every runner; called before `/metrics` is read and with every sweep. */
export function publishRunnerMetrics(context: RunnerContext): void {
  for (const runner of context.directory.all()) {
    const { health, client, jobs } = reportRunnerHealth(context, runner);
    const labels = { runner: runner.name, runner_id: runner.id };
    context.metrics.gauge('runner_healthy', health.status === 'healthy' ? 1 : 0, labels);
    context.metrics.gauge('runner_stream_connected', isConnected(health.issues, client !== null) ? 1 : 0, labels);
    context.metrics.gauge('runner_jobs', jobs.length, labels);
    if (client) context.metrics.gauge('runner_reconnects', client.reconnectCount, labels);
  }
}

const disconnections = new Set(['stream_down', 'poll_overdue', 'lease_expired', 'never_seen']);

function isConnected(issues: readonly { readonly code: string }[], hasReported: boolean): boolean {
  return hasReported && !issues.some((issue) => disconnections.has(issue.code));
}
