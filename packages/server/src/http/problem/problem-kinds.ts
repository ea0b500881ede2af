import type { HostFailureCode } from '@runbeat/adapter-sdk';
import type { ServerErrorCode } from '../../error-codes.js';
import type { SupervisorErrorCode } from '../../supervisor/model/index.js';

/** Codes that a problem document may carry. */
export type ProblemCode = ServerErrorCode | SupervisorErrorCode | HostFailureCode | 'internal_error';

export interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** What to do, when the error itself does not say. */
  readonly remedy: string;
}

const notFound = (what: string): ProblemKind => ({
  status: 404,
  title: `No such ${what}`,
  remedy: `Check the id: it is that of no ${what} that you may see.`,
});

/** How each code is answered. Codes that are not here never reach a client as such: they are an `internal_error`. */
export const problemKinds: Partial<Record<ProblemCode, ProblemKind>> = {
  request_invalid: {
    status: 400,
    title: 'The request is not valid',
    remedy: 'Mend the fields listed in `errors`; /api/docs describes them.',
  },
  body_malformed: {
    status: 400,
    title: 'The body is not valid JSON',
    remedy: 'Send one JSON document in UTF-8, nested at most 64 levels deep.',
  },
  body_too_large: {
    status: 413,
    title: 'The body is too large',
    remedy: 'Send less, or raise `bodyLimitBytes` in the server settings.',
  },
  media_type_unsupported: {
    status: 415,
    title: 'The body is of another type than JSON',
    remedy: 'Send `content-type: application/json`.',
  },
  request_timeout: { status: 408, title: 'The request took too long to arrive', remedy: 'Send it again, in one go.' },
  route_not_found: { status: 404, title: 'No such route', remedy: 'Check method and path; /api/docs lists them.' },
  token_missing: {
    status: 401,
    title: 'A token is needed',
    remedy: 'Send `Authorization: Bearer <key>`; `runbeat keys create` makes a key.',
  },
  token_refused: {
    status: 401,
    title: 'The token is not valid',
    remedy: 'It is unknown, expired or revoked, or its run has ended. Use another one.',
  },
  scope_too_small: { status: 403, title: 'The token may not do this', remedy: 'Use a key with a scope that the message names.' },
  host_refused: {
    status: 403,
    title: 'Foreign host name',
    remedy: 'Use http://127.0.0.1, or add the name to `allowedHosts` in the server settings.',
  },
  origin_refused: {
    status: 403,
    title: 'Foreign origin',
    remedy: "Call the server from its own pages, or add the origin's host to `allowedHosts` in the server settings.",
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    remedy: 'Wait as long as `Retry-After` says, or raise `rateLimitPerMinute` in the server settings.',
  },
  too_many_connections: { status: 503, title: 'Too many live connections', remedy: 'Try again later, or use another instance.' },
  idempotency_key_reused: {
    status: 422,
    title: 'The idempotency key was used for something else',
    remedy: 'Use a new key for a new request.',
  },
  idempotency_conflict: {
    status: 422,
    title: 'The idempotency key was used for something else',
    remedy: 'Use a new key for a new request.',
  },
  idempotency_in_progress: {
    status: 409,
    title: 'Another request with this key was quicker',
    remedy: 'Wait a moment and send the same again.',
  },
  company_not_found: notFound('company'),
  agent_not_found: notFound('agent'),
  run_not_found: notFound('run'),
  issue_not_found: notFound('issue'),
  api_key_not_found: notFound('API key'),
  adapter_not_found: notFound('adapter'),
  agent_has_active_runs: {
    status: 409,
    title: 'The agent has active runs',
    remedy: 'Cancel its runs, or wait for them, then delete it.',
  },
  issue_held: { status: 409, title: 'A run holds the issue', remedy: 'Cancel the run, or wait for it.' },
  issue_checked_out: {
    status: 409,
    title: 'Another run has the issue',
    remedy: 'Wait until it is released, or cancel that run.',
  },
  issue_assignee_invalid: { status: 422, title: 'The assignee cannot be used', remedy: 'Name an agent of the same company.' },
  run_not_finished: { status: 409, title: 'The run is still active', remedy: 'Wait for its end, or cancel it first.' },
  run_not_active: { status: 409, title: 'The run has ended', remedy: 'Nothing is left to do; retry the run to start it anew.' },
  invalid_state: { status: 409, title: 'Not possible in this state', remedy: 'Read the state anew and decide again.' },
  config_invalid: { status: 422, title: 'The adapter refuses this config', remedy: 'Mend the fields listed in `errors`.' },
  adapter_spec_invalid: {
    status: 422,
    title: 'This cannot be installed',
    remedy: 'Name a package, a folder or a tarball on the server.',
  },
  adapter_install_failed: {
    status: 422,
    title: 'npm could not install the package',
    remedy: "See npm's last lines in `detail`.",
  },
  adapter_package_invalid: {
    status: 422,
    title: 'The package holds no adapter that works',
    remedy: '`npx runbeat-adapter-testkit <path>` checks it.',
  },
  adapter_incompatible: {
    status: 422,
    title: 'The adapter is made for another contract version',
    remedy: 'Install a release for one of the versions that `detail` lists.',
  },
  adapter_type_taken: {
    status: 409,
    title: 'Another package has this adapter type',
    remedy: 'Remove that one, or send `override: true`.',
  },
  adapter_in_use: { status: 409, title: 'Runs use the adapter', remedy: 'Wait for them, or send `?force=true`.' },
  adapter_not_managed: {
    status: 409,
    title: 'The adapter was not added at run time',
    remedy: 'Change it where it comes from: the server settings or the program that embeds the server.',
  },
  adapter_changed_meanwhile: { status: 409, title: 'Somebody else changed the adapter', remedy: 'Look at it and try again.' },
  adapter_missing: {
    status: 422,
    title: 'The adapter is not registered',
    remedy: '`runbeat adapters add <package>`, or use one of `GET /api/adapters`.',
  },
  log_offset_invalid: { status: 400, title: 'Not an offset of this log', remedy: 'Use `nextOffset` of a page, or 0.' },
  log_store_unavailable: {
    status: 503,
    title: 'The log store cannot be reached',
    remedy: 'Try again; the server goes on by itself once it is back.',
  },
  database_unavailable: {
    status: 503,
    title: 'The database cannot be reached',
    remedy: 'Try again; the server goes on by itself once it is back.',
  },
  session_not_found: notFound('session'),
  session_prompt_unknown: {
    status: 404,
    title: 'No such prompt',
    remedy: 'Check the id of the prompt; the journal of the session names those that were sent.',
  },
  session_request_unknown: {
    status: 409,
    title: 'The question is no longer open',
    remedy: 'GET the session for its open questions.',
  },
  session_busy: { status: 409, title: 'The session is busy', remedy: 'Wait for the prompt in flight, or cancel it.' },
  session_not_ready: { status: 409, title: 'The session takes no message now', remedy: 'Try again when its state has changed.' },
  session_ended: { status: 409, title: 'The session was ended', remedy: 'Start another one.' },
  session_crashed: {
    status: 503,
    title: 'The agent of the session keeps ending',
    remedy: 'Mend its cause, then restart the session.',
  },
  session_elsewhere: { status: 503, title: 'Another instance owns the session', remedy: 'Send the request to that instance.' },
  session_worker_replaced: { status: 409, title: 'A newer worker took over', remedy: 'Send the message again.' },
  adapter_not_interactive: {
    status: 422,
    title: 'The adapter holds no conversations',
    remedy: 'Use an agent of an interactive adapter.',
  },
  adapter_unavailable: { status: 503, title: 'The adapter cannot be used now', remedy: 'GET /api/adapters says why.' },
  stdin_broken: {
    status: 502,
    title: 'The agent did not take the message',
    remedy: 'Send it again under a new id: the next message starts a new worker.',
  },
  write_timeout: {
    status: 502,
    title: 'The agent does not read',
    remedy: 'Send it again under a new id: the next message starts a new worker.',
  },
  start_failed: {
    status: 502,
    title: 'The agent could not be started',
    remedy: 'Mend what the message names, then send it again under a new id.',
  },
  supervisor_stopped: { status: 503, title: 'The server is stopping', remedy: 'Try again in a moment.' },
  server_closed: { status: 503, title: 'The server is stopping', remedy: 'Try again in a moment.' },
  secret_missing: { status: 422, title: 'A secret is missing', remedy: 'Add it where the message says.' },
  secret_source_unreadable: {
    status: 503,
    title: 'The secrets cannot be read',
    remedy: 'Mend the secrets file that the message names.',
  },
  internal_error: {
    status: 500,
    title: 'A bug in the server',
    remedy: "Report it with the request id; the server's log holds the details.",
  },
};
