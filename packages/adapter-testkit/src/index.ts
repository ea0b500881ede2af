export type { ContractViolation } from './context/contract-violation.js';
export {
  createRecordingContext,
  type RecordedCall,
  type RecordingContext,
  type RecordingContextOptions,
} from './context/recording-context.js';
export { type AdapterTestkitErrorCode, adapterTestkitErrorCodes } from './error-codes.js';
export { createScriptedAdapter, type ScriptedAdapter, type ScriptedAdapterOptions } from './scripted/scripted-adapter.js';
export type { ScriptedConfig, ScriptedStep } from './scripted/scripted-step.js';
export type { ProbeAnswer, ScriptedWorkload, WorkloadState } from './scripted/scripted-workload.js';
export { createScriptedWorld, type ScriptedWorld } from './scripted/scripted-world.js';
export { splitMultibyteText, tenMebibytes, tenMebibytesLength } from './workload/expected-output.js';
