import { ServerError } from '../../server-error.js';
import {
  type Agent,
  type AgentRuntimeState,
  isTerminalRunStatus,
  type Run,
  runFromNew,
  type WakeupRequest,
} from '../model/index.js';
import type { RunStoreTransaction } from '../ports/index.js';
import type { MemoryTables } from './memory-tables.js';

/** The statements of the in-memory store. Transactions run one after the other, so its locks are only reads. */
export function createMemoryTransaction(tables: MemoryTables): RunStoreTransaction {
  const { agents, runtimeStates, sessions, wakeups, runs, issues, comments, runEvents, liveEvents, activity, keptAnswers } =
    tables;
  const patchRunRow = (run: Run, patch: Partial<Run>): 'moved' => {
    runs.set(run.id, { ...run, ...patch });
    return 'moved';
  };
  const appendRunEvents: RunStoreTransaction['appendRunEvents'] = async (run, events) => {
    let seq = runEvents.all().filter((event) => event.runId === run.id).length;
    for (const event of events) {
      seq += 1;
      runEvents.set(`${run.id} ${seq}`, { ...event, runId: run.id, seq });
    }
  };
  const appendLiveEvents: RunStoreTransaction['appendLiveEvents'] = async (events) => {
    for (const event of events) {
      const id = liveEvents.all().length + 1;
      liveEvents.set(String(id), { ...event, id });
    }
  };
  return {
    lockIdempotencyKey: async () => undefined,
    getAgent: async (id) => agents.get(id),
    lockAgent: async (id) => agents.get(id),
    async patchAgent(id, patch, now) {
      const agent = agents.get(id);
      if (agent) agents.set(id, { ...agent, ...patch, updatedAt: now });
    },
    getAgentRuntimeState: async (id) => runtimeStates.get(id),
    async updateAgentRuntimeState(agent, { set, add }) {
      const state = runtimeStates.get(agent.id) ?? emptyState(agent);
      runtimeStates.set(agent.id, {
        ...state,
        ...set,
        totalRuns: state.totalRuns + (add?.totalRuns ?? 0),
        totalInputTokens: state.totalInputTokens + (add?.totalInputTokens ?? 0),
        totalOutputTokens: state.totalOutputTokens + (add?.totalOutputTokens ?? 0),
        totalCostUsd: state.totalCostUsd + (add?.totalCostUsd ?? 0),
      });
    },
    async listAgentsDueForTimer(now, limit) {
      const isDue = (agent: Agent): boolean => {
        const next = runtimeStates.get(agent.id)?.nextTimerWakeAt ?? null;
        return agent.status === 'active' && agent.runtimeConfig.heartbeat.enabled && (next === null || next <= now);
      };
      return agents.all().filter(isDue).slice(0, limit);
    },
    getAgentSession: async (agentId, adapterType, taskKey) => sessions.get(`${agentId} ${adapterType} ${taskKey}`)?.value ?? null,
    async putAgentSession(session) {
      sessions.set(`${session.agentId} ${session.adapterType} ${session.taskKey}`, { value: session.value });
    },

    findWakeupByIdempotencyKey: async (companyId, key) =>
      wakeups.all().find((wakeup) => wakeup.companyId === companyId && wakeup.idempotencyKey === key) ?? null,
    getWakeup: async (id) => wakeups.get(id),
    async insertWakeup(wakeup) {
      wakeups.set(wakeup.id, wakeup);
    },
    async moveWakeup({ id, from }, patch, now) {
      const wakeup = wakeups.get(id);
      if (!wakeup || !from.includes(wakeup.status)) return 'stale';
      wakeups.set(id, { ...wakeup, ...patch, updatedAt: now });
      return 'moved';
    },
    listDeferredWakeups: async (issueId) =>
      wakeups
        .all()
        .filter((wakeup) => wakeup.issueId === issueId && wakeup.status === 'deferred')
        .sort(byAge),

    async insertRun(run) {
      runs.set(run.id, runFromNew(run));
    },
    getRun: async (id) => runs.get(id),
    lockRun: async (id) => runs.get(id),
    async moveRun({ id, from, ownerEpoch }, to, patch) {
      const run = runs.get(id);
      if (!run || !from.includes(run.status) || (ownerEpoch !== undefined && run.ownerEpoch !== ownerEpoch)) return 'stale';
      return patchRunRow(run, { ...patch, status: to });
    },
    async patchRun({ id, ownerEpoch, status }, patch) {
      const run = runs.get(id);
      if (!run || (status !== undefined && run.status !== status)) return 'stale';
      if (ownerEpoch !== undefined && (run.ownerEpoch !== ownerEpoch || run.status !== 'running')) return 'stale';
      return patchRunRow(run, patch);
    },
    async findQueuedRun({ agentId, issueId, source }) {
      const fits = (run: Run): boolean =>
        run.status === 'queued' &&
        run.agentId === agentId &&
        run.issueId === issueId &&
        (source === undefined || run.invocationSource === source);
      return runs.all().filter(fits).sort(byAge)[0] ?? null;
    },
    async selectClaimable({ now, limit, ageingMs, excludeAgentIds, excludeAdapterTypes, excludePlacements = [] }) {
      const excluded = new Set(excludePlacements.map((placement) => JSON.stringify(placement)));
      const rank = (run: Run): number => run.priority + (now.getTime() - run.createdAt.getTime()) / ageingMs;
      const isClaimable = (run: Run): boolean =>
        run.status === 'queued' &&
        (run.notBefore === null || run.notBefore <= now) &&
        !excludeAgentIds.includes(run.agentId) &&
        !excludeAdapterTypes.includes(run.adapterType) &&
        !excluded.has(JSON.stringify(run.contextSnapshot.placement));
      return runs
        .all()
        .filter(isClaimable)
        .sort((a, b) => rank(b) - rank(a) || byAge(a, b))
        .slice(0, limit);
    },
    async countRunningByAgent(agentIds) {
      const running = runs.all().filter((run) => run.status === 'running');
      return new Map(agentIds.map((id) => [id, running.filter((run) => run.agentId === id).length]));
    },

    getIssue: async (id) => issues.get(id),
    lockIssue: async (id) => issues.get(id),
    async insertIssue(issue) {
      issues.set(issue.id, issue);
    },
    async patchIssue(id, patch, now) {
      const issue = issues.get(id);
      if (issue) issues.set(id, { ...issue, ...patch, updatedAt: now });
    },
    async insertIssueComment(comment) {
      comments.set(comment.id, comment);
    },
    async findAgentsByName(companyId, names) {
      const wanted = new Set(names.map((name) => name.toLowerCase()));
      return agents.all().filter((agent) => agent.companyId === companyId && wanted.has(agent.name.toLowerCase()));
    },
    hasActiveWork: async (issueId) =>
      runs.all().some((run) => run.issueId === issueId && !isTerminalRunStatus(run.status)) ||
      wakeups.all().some((wakeup) => wakeup.issueId === issueId && wakeup.status === 'deferred'),
    getLastRunOfIssue: async (issueId) =>
      runs
        .all()
        .filter((run) => run.issueId === issueId)
        .sort(byAge)
        .at(-1) ?? null,

    appendRunEvents,
    appendLiveEvents,
    async appendEvents({ runs: changed, live }) {
      for (const { events, ...run } of changed) await appendRunEvents(run, events);
      await appendLiveEvents(live);
    },
    async appendActivity(entry) {
      activity.set(String(activity.all().length + 1), entry);
    },
    async keepAnswer(answer) {
      const id = `${answer.scope} ${answer.key}`;
      if (keptAnswers.get(id)) throw new ServerError('idempotency_in_progress', 'Another request was quicker.');
      keptAnswers.set(id, answer);
    },
  };
}

/** Insertion order breaks ties: ids of one millisecond are in no order. */
function byAge(a: Run | WakeupRequest, b: Run | WakeupRequest): number {
  return a.createdAt.getTime() - b.createdAt.getTime();
}

function emptyState(agent: Pick<Agent, 'id' | 'companyId'>): AgentRuntimeState {
  return {
    agentId: agent.id,
    companyId: agent.companyId,
    firstHeartbeatAt: null,
    lastHeartbeatAt: null,
    nextTimerWakeAt: null,
    lastRunId: null,
    lastRunStatus: null,
    lastErrorCode: null,
    totalRuns: 0,
    totalInputTokens: 0,
    totalOutputTokens: 0,
    totalCostUsd: 0,
  };
}
