/**
 * Codes with which the supervisor rejects; part of the server's list and of `docs/errors.md`. Codes with which a *run*
 * fails are in the adapter SDK (`hostFailureCodes`), except `secret_missing`, which comes from `RunEnvironment`.
 */
export const supervisorErrorCodes = [
  'agent_not_found',
  'handle_invalid',
  'idempotency_conflict',
  'invalid_state',
  'issue_assignee_invalid',
  'issue_checked_out',
  'issue_not_found',
  'run_fenced',
  'run_not_active',
  'run_not_finished',
  'run_not_found',
  'supervisor_stopped',
] as const;

export type SupervisorErrorCode = (typeof supervisorErrorCodes)[number];
