import type { InstanceId } from './ids.js';

/** One server process as the others see it (`server_instances`). */
export interface ServerInstance {
  readonly id: InstanceId;
  readonly host: string;
  readonly pid: number;
  /** Boot id of the host and start ticks of the process: together with `pid` they tell a restarted process from a living one. */
  readonly hostBootId: string;
  readonly processStartTicks: string | null;
  readonly version: string;
  readonly startedAt: Date;
  readonly leaseExpiresAt: Date;
  /** Set by an orderly shutdown: its runs may be adopted at once. */
  readonly endedAt: Date | null;
}
