export type { AbortReasonV1 } from './abort-reason-v1.js';
export type { AdapterCoreV1, AdapterV1, AttachedAdapterV1, OutOfProcessAdapterV1 } from './adapter-v1.js';
export type { EnvironmentCheckV1, EnvironmentReportV1, TestContextV1 } from './environment-report-v1.js';
export type { AgentIdentityV1, ExecuteContextV1, LogMarkV1, RunEventV1, RunSinksV1 } from './execute-context-v1.js';
export type {
  InteractiveProtocolV1,
  InteractiveV1,
  SessionContextV1,
  SessionOutputV1,
  SessionReattachContextV1,
  SessionWorkerV1,
  SessionWriteV1,
  WorkerExitV1,
} from './interactive-v1.js';
export type { Json } from './json.js';
export type { LivenessV1 } from './liveness-v1.js';
export type {
  HandleLivenessV1,
  LogDrivenLivenessV1,
  OutOfProcessV1,
  ProbeQueryV1,
  ReattachContextV1,
  TerminateContextV1,
} from './out-of-process-v1.js';
export type { OutputStreamV1 } from './output-stream-v1.js';
export type { ExternalHandleV1, ProcessHandleV1, RunHandleV1 } from './run-handle-v1.js';
export type { RunInputV1, RunIssueV1 } from './run-input-v1.js';
export type { RunFailureV1, RunOutcomeV1, RunResultV1, RunUsageV1 } from './run-result-v1.js';
export type { TerminationV1 } from './termination-v1.js';
