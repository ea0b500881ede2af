import type { Json } from './json.js';

/**
 * A process of this machine. Supplied by the adapter in `onSpawn`, stored by the host as JSON, and the only thing that
 * a restarted host has to find the work again. A pid alone is never believed: start time and boot id go with it.
 */
export interface ProcessHandleV1 {
  readonly kind: 'process';
  /** Process id on `host`. */
  readonly pid: number;
  /** Process group that `terminate` may signal as a whole; null when the process leads no group of its own. */
  readonly processGroupId: number | null;
  /** ISO 8601 start time; for people and for hosts without `startTicks`. */
  readonly startedAt: string;
  /** Host name of the machine on which the pid means something. */
  readonly host: string;
  /** Boot id of that machine (`/proc/sys/kernel/random/boot_id` on Linux); another boot = the process is gone. */
  readonly bootId: string;
  /** Start time in clock ticks since boot (`/proc/<pid>/stat`, field 22); null where the system does not tell. */
  readonly startTicks: string | null;
  /** What else the adapter needs to find the work, such as a folder; JSON of at most 3 KiB without any secret. Absent = nothing. */
  readonly ref?: Json;
}

/** Anything else that can be found again: a Job name and uid, a job id of an HTTP service, a spool folder. */
export interface ExternalHandleV1 {
  readonly kind: 'external';
  /** Version of `ref`'s shape; the next minor version of the adapter can read it. */
  readonly formatVersion: number;
  /** JSON of at most 4 KiB without any secret. */
  readonly ref: Json;
}

export type RunHandleV1 = ProcessHandleV1 | ExternalHandleV1;
