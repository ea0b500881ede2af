export { AdapterError, type AdapterErrorOptions, failureFromError, isAdapterError } from './adapter-error.js';
export {
  type AdapterCheck,
  type AdapterProblem,
  adapterTypePattern,
  checkAdapter,
  supportedSpecVersions,
} from './check-adapter.js';
export { configJsonSchema } from './config-json-schema.js';
export { cursorLimitBytes, handleLimitBytes, logTextLimitBytes } from './contract-limits.js';
export { type AdapterDefinition, defineAdapter } from './define-adapter.js';
export { type AdapterSdkErrorCode, adapterSdkErrorCodes } from './error-codes.js';
export { type ExecuteEvent, type ExecuteInput, executeFromEvents } from './execute-from-events.js';
export { type HostFailureCode, hostFailureCodes, isHostFailureCode } from './host-failure-codes.js';
export { assertNever, InternalError } from './internal-error.js';
export { createLineSplitter, type LineSplitter, type SplitLine } from './line-splitter.js';
export { type ConfigIssue, type ParsedConfig, parseAdapterConfig } from './parse-adapter-config.js';
export { processHandle } from './process-handle.js';
export { createSecretRedactor, type SecretRedactor, type SecretRedactorOptions } from './secret-redactor.js';
export { sleep } from './sleep.js';
export { splitText } from './split-text.js';
export { createUtf8Decoder, type DecodedPiece, type Utf8Decoder } from './utf8-decoder.js';
export * from './v1/index.js';
export { workloadEnvironment } from './workload-environment.js';
