import { ServerError } from '../server-error.js';

/** The failures that a caller of a session can meet, in one place, so that their words stay alike. */
export const sessionFailures = {
  busy: (sessionId: string, promptId: string) =>
    new ServerError(
      'session_busy',
      `Session ${sessionId} is working on prompt ${promptId}. Wait for it, or cancel it: POST /api/sessions/${sessionId}/cancel.`,
      { evidence: { promptInFlight: promptId } },
    ),
  notTakingMessages: (sessionId: string, state: string) =>
    new ServerError('session_not_ready', `Session ${sessionId} is ${state}. Try again when it is done.`, { evidence: { state } }),
  ended: (sessionId: string) =>
    new ServerError('session_ended', `Session ${sessionId} was ended. Start another one: POST /api/agents/:id/sessions.`),
  crashLoop: (sessionId: string, deaths: number, stderrTail: string) =>
    new ServerError(
      'session_crashed',
      `The agent of session ${sessionId} ended ${deaths} times in a row and is not started again by itself. Mend its cause, then POST /api/sessions/${sessionId}/restart.${stderrTail === '' ? '' : ` Its last words on stderr: ${stderrTail.slice(-1_000)}`}`,
    ),
  requestUnknown: (sessionId: string, requestId: string) =>
    new ServerError(
      'session_request_unknown',
      `Session ${sessionId} has no open request "${requestId}": it was answered, or its prompt is settled. GET /api/sessions/${sessionId} lists the open ones.`,
    ),
  writeFailed: (sessionId: string, code: 'stdin_broken' | 'write_timeout' | 'start_failed', message: string) =>
    new ServerError(
      code,
      `The agent of session ${sessionId} did not take the message: ${message}. The next message starts a new worker.`,
    ),
  elsewhere: (sessionId: string, instanceId: string | null) =>
    new ServerError(
      'session_elsewhere',
      `Session ${sessionId} is owned by another server instance${instanceId ? ` (${instanceId})` : ''}. Send the request to that one, or try again when it has ended.`,
      { evidence: { instanceId } },
    ),
  notInteractive: (adapterType: string) =>
    new ServerError(
      'adapter_not_interactive',
      `The adapter "${adapterType}" cannot hold a conversation with this agent. Use an adapter whose capabilities say isInteractive; for local, set \`interactive\` in the agent's config.`,
    ),
  adapterUnavailable: (adapterType: string, message: string) =>
    new ServerError('adapter_unavailable', `The adapter "${adapterType}" cannot be used now: ${message}`),
  configInvalid: (agentId: string, issues: readonly { readonly path: string; readonly message: string }[]) =>
    new ServerError(
      'settings_invalid',
      `The adapter config of agent ${agentId} is refused: ${issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}. PATCH the agent.`,
    ),
  workerReplaced: (sessionId: string) =>
    new ServerError('session_worker_replaced', `A newer worker of session ${sessionId} was started meanwhile.`),
  promptNotFound: (sessionId: string, promptId: string) =>
    new ServerError('session_prompt_unknown', `Session ${sessionId} was never sent a prompt "${promptId}".`),
  notFound: (sessionId: string) => new ServerError('session_not_found', `There is no session ${sessionId}.`),
} as const;
