import type { JournalEntry as WireJournalEntry, SessionPrompt as WirePrompt, Session as WireSession } from '@runbeat/protocol';
import type { JournalEntry, SessionPrompt, SessionView } from '../../sessions/index.js';

export function wireSession({ session, promptInFlight }: SessionView): WireSession {
  const { handle } = session;
  return {
    id: session.id,
    companyId: session.companyId,
    agentId: session.agentId,
    adapterType: session.adapterType,
    status: {
      state: session.state,
      reason: session.reason,
      detail: session.detail,
      seq: session.statusSeq,
      workerId: session.workerId,
      updatedAt: session.updatedAt.toISOString(),
    },
    headSeq: session.headSeq,
    promptInFlight,
    openRequests: session.openRequests.map(({ requestId, promptId, request, seq }) => ({ requestId, promptId, request, seq })),
    processPid: handle?.kind === 'process' ? handle.pid : null,
    createdAt: session.createdAt.toISOString(),
    endedAt: session.endedAt?.toISOString() ?? null,
  };
}

export function wirePrompt(prompt: SessionPrompt): WirePrompt {
  return {
    id: prompt.id,
    state: prompt.state,
    code: prompt.code,
    message: prompt.message,
    result: prompt.result,
    acceptedAt: prompt.acceptedAt.toISOString(),
    settledAt: prompt.settledAt?.toISOString() ?? null,
  };
}

export function wireJournalEntry(entry: JournalEntry): WireJournalEntry {
  return {
    seq: entry.seq,
    at: entry.at.toISOString(),
    kind: entry.kind,
    workerId: entry.workerId,
    promptId: entry.promptId,
    data: entry.data,
  };
}
