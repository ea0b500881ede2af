import type { RunnerHealth } from '@runbeat/protocol';

/** The health document as Prometheus text, for `/metrics` of the runner itself. */
export function metricsTextFrom(health: RunnerHealth): string {
  const { client, jobs } = health;
  const rows: [name: string, type: 'gauge' | 'counter', help: string, value: number][] = [
    ['runner_healthy', 'gauge', '1 = healthy, 0 = degraded or unhealthy', health.health.status === 'healthy' ? 1 : 0],
    ['runner_stream_connected', 'gauge', '1 while the last poll was answered', client?.streamConnected ? 1 : 0],
    ['runner_reconnects_total', 'counter', 'attempts to reconnect', client?.reconnectCount ?? 0],
    ['runner_consecutive_failures', 'gauge', 'failures since the last success', client?.consecutiveFailures ?? 0],
    [
      'runner_server_contact_age_seconds',
      'gauge',
      'since the last answer of the server',
      (client?.serverContactAgeMs ?? 0) / 1000,
    ],
    ['runner_unusable_adapters', 'gauge', 'installed adapters that do not work', client?.adapterIssues.length ?? 0],
    ['runner_jobs', 'gauge', 'runs on this runner', jobs.length],
    ['runner_outbox_depth', 'gauge', 'results that the server has not accepted', client?.outboxDepth ?? 0],
    ['runner_spool_unacked_bytes', 'gauge', 'output that the server has not stored', client?.spoolBytesUnacked ?? 0],
  ];
  return rows
    .map(
      ([name, type, help, value]) => `# HELP runbeat_${name} ${help}\n# TYPE runbeat_${name} ${type}\nrunbeat_${name} ${value}\n`,
    )
    .join('');
}
