/**
 * Codes of failures that are this adapter's own; everything else uses the host's codes. Each has a line in
 * `docs/errors.md`.
 */
export const adapterK8sErrorCodes = [
  'k8s.no_cluster',
  'k8s.client_missing',
  'k8s.api_unreachable',
  'k8s.api_refused',
  'k8s.name_taken',
  'k8s.input_too_large',
  'k8s.pod_create_rejected',
  'k8s.quota_exceeded',
  'k8s.image_invalid',
  'k8s.container_config_error',
  'k8s.container_start_failed',
  'k8s.volume_failed',
  'k8s.init_failed',
  'k8s.preempted',
  'k8s.node_drained',
  'k8s.node_shutdown',
  'k8s.job_deleted',
  'k8s.handle_unreadable',
  'k8s.terminate_unconfirmed',
] as const;

export type AdapterK8sErrorCode = (typeof adapterK8sErrorCodes)[number];
