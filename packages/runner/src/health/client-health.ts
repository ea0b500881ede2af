import type { RunnerAdapterIssue, RunnerClientHealth } from '@runbeat/protocol';
import type { ConnectionState } from '../connection/connection-state.js';

export interface ClientHealthFacts {
  readonly connection: ConnectionState;
  readonly nowMs: number;
  /** Last whole answer of the server on any channel, wall clock; null = none. */
  readonly lastContactAtMs: number | null;
  readonly lastClaimAtMs: number | null;
  readonly lastClaimResult: string | null;
  readonly outboxDepth: number;
  readonly spoolBytes: number;
  readonly blockedReason: string | null;
  readonly adapterIssues: RunnerAdapterIssue[];
}

const RECENT_MS = 600_000;
const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** The runner's account of itself, from the state of its connection and the ages of what it saw. */
export function clientHealthFrom(facts: ClientHealthFacts): RunnerClientHealth {
  const { connection, nowMs } = facts;
  return {
    status: connection.status,
    streamConnected: connection.status === 'streaming',
    streamConnectedSince: iso(connection.streamConnectedSinceMs),
    reconnectCount: connection.reconnectCount,
    reconnectsLast10m: connection.recentReconnectsMs.filter((at) => nowMs - at < RECENT_MS).length,
    consecutiveFailures: connection.consecutiveFailures,
    nextRetryAt: iso(connection.nextRetryAtMs),
    lastPollOkAt: iso(connection.lastPollOkAtMs),
    serverContactAgeMs: facts.lastContactAtMs === null ? null : Math.max(0, nowMs - facts.lastContactAtMs),
    lastHeartbeatAt: iso(connection.lastHeartbeatAtMs),
    lastHeartbeatOk: connection.isLastHeartbeatOk,
    lastError: connection.lastError,
    lastErrorAt: iso(connection.lastErrorAtMs),
    lastClaimAt: iso(facts.lastClaimAtMs),
    lastClaimResult: facts.lastClaimResult,
    outboxDepth: facts.outboxDepth,
    spoolBytesUnacked: facts.spoolBytes,
    spoolBlockedReason: facts.blockedReason,
    adapterIssues: facts.adapterIssues,
  };
}
