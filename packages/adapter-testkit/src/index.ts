export { adapterConformance } from './conformance/adapter-conformance.js';
export type { ConformanceOptions, RegisterTest } from './conformance/conformance-options.js';
export {
  type ConformanceScriptName,
  type ConformanceScripts,
  commandScripts,
  conformanceScriptNames,
  type InteractiveScripts,
} from './conformance/scripts.js';
export type { ContractViolation } from './context/contract-violation.js';
export {
  createRecordingContext,
  type RecordedCall,
  type RecordingContext,
  type RecordingContextOptions,
} from './context/recording-context.js';
export {
  createRecordingSession,
  type RecordedOutput,
  type RecordingSession,
  type RecordingSessionOptions,
} from './context/recording-session.js';
export { type AdapterTestkitErrorCode, adapterTestkitErrorCodes } from './error-codes.js';
export { forkHosts } from './host-kill/fork-hosts.js';
export {
  type DoomedHost,
  type HostKillHarness,
  type RunTarget,
  type StoredOutput,
  storedText,
} from './host-kill/host-kill-harness.js';
export { loadAdapter } from './report/load-adapter.js';
export { type ConformanceRunOptions, type ConformanceVerdict, runConformance } from './report/run-conformance.js';
export { createScriptedAdapter, type ScriptedAdapter, type ScriptedAdapterOptions } from './scripted/scripted-adapter.js';
export type { ScriptedConfig, ScriptedStep } from './scripted/scripted-step.js';
export type { ProbeAnswer, ScriptedWorkload, WorkloadState } from './scripted/scripted-workload.js';
export { createScriptedWorld, type ScriptedWorld } from './scripted/scripted-world.js';
export { splitMultibyteText, tenMebibytes, tenMebibytesLength } from './workload/expected-output.js';
