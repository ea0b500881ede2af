import type { JobAnswer, JobLink } from '../jobs/job-link.js';
import type { TransportAnswer } from '../transport/runner-transport.js';
import type { ConnectionLoop } from './connection-loop.js';
import type { RunnerCalls } from './runner-calls.js';

/** The jobs' way to the server: under the current session, each answer also told to the connection. */
export function createJobLink(options: {
  readonly loop: () => ConnectionLoop;
  readonly calls: RunnerCalls;
  readonly deadlineMs: number;
  /** Null = not registered. */
  runnerId(): string | null;
}): JobLink {
  const { calls, deadlineMs } = options;

  async function ask<Body>(
    call: (runnerId: string, sessionId: string, signal: AbortSignal) => Promise<TransportAnswer<Body>>,
  ): Promise<JobAnswer<Body>> {
    const loop = options.loop();
    const { session, attemptId } = loop.state();
    const runnerId = options.runnerId();
    if (session === null || runnerId === null) return { kind: 'failed' };
    const answer = await call(runnerId, session.sessionId, loop.requestSignal());
    loop.noteJobAnswer(attemptId, answer);
    if (answer.kind === 'ok') return answer;
    if (answer.kind !== 'refused') return { kind: 'failed' };
    if (answer.code === 'run_fenced') return { kind: 'fenced' };
    return { kind: answer.code === 'run_unknown' || answer.code === 'run_not_attached' ? 'not-now' : 'failed' };
  }

  return {
    isConnected: () => options.loop().state().session !== null,
    claim: (runId, leaseEpoch) =>
      ask((runnerId, sessionId, signal) => calls.claim(runnerId, { runId, sessionId, leaseEpoch }, { deadlineMs, signal })),
    sendLog: (runId, leaseEpoch, from, body) =>
      ask((runnerId, sessionId, signal) =>
        calls.sendLog(runnerId, { runId, sessionId, leaseEpoch }, { from, body }, { deadlineMs, signal }),
      ),
    finish: (runId, leaseEpoch, finish) =>
      ask((runnerId, sessionId, signal) =>
        calls.finish(runnerId, { runId, sessionId, leaseEpoch }, finish, { deadlineMs, signal }),
      ),
    hurryHeartbeat: () => options.loop().hurryHeartbeat(),
  };
}
