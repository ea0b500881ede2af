import type { Json } from '@runbeat/adapter-sdk';
import type {
  Agent,
  AgentRuntimeState,
  Issue,
  IssueComment,
  KeptAnswer,
  LiveEvent,
  Run,
  RunEvent,
  ServerInstance,
  WakeupRequest,
} from '../model/index.js';
import { createUndoTable, type UndoLog, type UndoTable } from './undo-table.js';

/** What the in-memory store holds. */
export interface MemoryTables {
  readonly agents: UndoTable<Agent>;
  readonly runtimeStates: UndoTable<AgentRuntimeState>;
  readonly sessions: UndoTable<{ readonly value: Json }>;
  readonly wakeups: UndoTable<WakeupRequest>;
  readonly runs: UndoTable<Run>;
  readonly issues: UndoTable<Issue>;
  readonly comments: UndoTable<IssueComment>;
  readonly runEvents: UndoTable<RunEvent>;
  readonly liveEvents: UndoTable<LiveEvent>;
  readonly activity: UndoTable<{ readonly action: string; readonly entityId: string; readonly actor: string }>;
  readonly keptAnswers: UndoTable<KeptAnswer>;
  readonly instances: UndoTable<ServerInstance>;
}

export function createMemoryTables(undo: () => UndoLog): MemoryTables {
  return {
    agents: createUndoTable(undo),
    runtimeStates: createUndoTable(undo),
    sessions: createUndoTable(undo),
    wakeups: createUndoTable(undo),
    runs: createUndoTable(undo),
    issues: createUndoTable(undo),
    comments: createUndoTable(undo),
    runEvents: createUndoTable(undo),
    liveEvents: createUndoTable(undo),
    activity: createUndoTable(undo),
    keptAnswers: createUndoTable(undo),
    instances: createUndoTable(undo),
  };
}
