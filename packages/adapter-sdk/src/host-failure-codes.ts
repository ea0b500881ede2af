/**
 * Failure codes that every host knows and explains to its users. An adapter uses them where they fit and adds its own,
 * prefixed by its type (`k8s.quota_exceeded`). Each has a line in `docs/errors.md`.
 */
export const hostFailureCodes = [
  'start_failed',
  'exit_nonzero',
  'killed_by_signal',
  'oom_killed',
  'evicted',
  'image_pull_failed',
  'unschedulable',
  'node_lost',
  'pod_deleted',
  'rbac_denied',
  'adapter_error',
  'adapter_crashed',
  'adapter_missing',
  'adapter_incompatible',
  'config_invalid',
  'process_lost',
  'process_detached',
  'adapter_liveness_lost',
  'stdin_broken',
  'log_limit_exceeded',
  'timeout',
  'idle_timeout',
  'cancelled',
  'issue_stale',
] as const;

export type HostFailureCode = (typeof hostFailureCodes)[number];

const known: ReadonlySet<string> = new Set(hostFailureCodes);

/** Whether `code` is one of the host's own; an adapter's code has its type and a dot in front. */
export function isHostFailureCode(code: string): code is HostFailureCode {
  return known.has(code);
}
