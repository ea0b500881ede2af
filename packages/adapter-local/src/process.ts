export { createProcessRunner, type ProcessRunner, type ProcessRunnerOptions, runProcess } from './process-runner.js';
export type { TakeOverContext } from './recover/reattach.js';
export type { OutputParser, OutputReport, ProcessSpec } from './run/process-spec.js';
export type { StartContext } from './run/start.js';
