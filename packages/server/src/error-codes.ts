/**
 * Every code of this package, one list; `docs/errors.md` holds a row for each (a test compares them). Add yours to the
 * area it belongs to.
 */
export const serverErrorCodes = [
  // settings and start
  'settings_invalid',
  'server_closed',
  'home_locked',
  'home_unusable',
  // database
  'database_unavailable',
  'database_start_failed',
  'database_too_old',
  // logs
  'log_store_full',
  'log_store_unavailable',
  'log_offset_invalid',
  'log_fenced',
  // requests
  'request_invalid',
  'body_malformed',
  'body_too_large',
  'media_type_unsupported',
  'request_timeout',
  'route_not_found',
  'token_missing',
  'token_refused',
  'scope_too_small',
  'host_refused',
  'origin_refused',
  'rate_limited',
  'too_many_connections',
  'idempotency_key_reused',
  'idempotency_in_progress',
  'company_not_found',
  'api_key_not_found',
  'adapter_not_found',
  'agent_has_active_runs',
  'issue_held',
  // adapters
  'adapter_missing',
  'adapter_spec_invalid',
  'adapter_install_failed',
  'adapter_package_invalid',
  'adapter_incompatible',
  'adapter_type_taken',
  'adapter_in_use',
  'adapter_not_managed',
  'adapter_changed_meanwhile',
  // secrets
  'secret_missing',
  'secret_source_unreadable',
  // runners
  'runner_unknown',
  'runner_token_invalid',
  'runner_protocol_unsupported',
  'runner_log_invalid',
  'runner_lost',
  'runner_unavailable',
  'session_active',
  'session_resync',
  'session_superseded',
  'run_fenced',
  'run_not_attached',
  'run_unknown',
  // interactive sessions
  'session_busy',
  'session_not_ready',
  'session_ended',
  'session_crashed',
  'session_request_unknown',
  'session_prompt_unknown',
  'session_elsewhere',
  'session_not_found',
  'session_worker_replaced',
  'adapter_not_interactive',
  'adapter_unavailable',
  'stdin_broken',
  'write_timeout',
  'start_failed',
] as const;

export type ServerErrorCode = (typeof serverErrorCodes)[number];
