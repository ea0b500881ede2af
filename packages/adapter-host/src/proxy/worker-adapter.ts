import type {
  AdapterV1,
  ExecuteContextV1,
  LivenessV1,
  OutOfProcessV1,
  ProbeQueryV1,
  ReattachContextV1,
  RunResultV1,
  RunSinksV1,
  TerminateContextV1,
  TestContextV1,
} from '@runbeat/adapter-sdk';
import type { AdapterLifecycle } from '../adapter-lifecycle.js';
import { checkResult } from '../contract/check-result.js';
import { environmentReport, liveness, runResult, termination } from '../contract/result-schemas.js';
import type { AdapterDescription } from '../worker/messages.js';
import { abandonQuestionAfterMs, abandonRunAfterMs } from './abandon-after.js';
import { createRemoteConfig, type RemoteConfig } from './config-memory.js';
import { dataOf } from './context-data.js';
import type { CallRequest, CallSinks } from './host-call.js';
import { createRemoteSessions } from './worker-sessions.js';
import type { WorkerSource } from './worker-source.js';

/** A schema has no signal to bound it; more than this is no validation any more. In ms. */
const VALIDATE_LIMIT_MS = 30_000;
/** What a probe that could not be answered asks the host to wait, in ms. */
const PROBE_RETRY_MS = 5_000;

/** The adapter in the worker, as an object that fulfils the contract here. */
export function createWorkerAdapter(
  description: AdapterDescription,
  source: WorkerSource,
  lifecycle: AdapterLifecycle,
): AdapterV1 {
  const { type } = description;
  const call = async (request: CallRequest): Promise<unknown> => {
    const connection = await source.connection(request.signal);
    return await connection.call(request).settled;
  };
  const remoteConfig = createRemoteConfig(
    (value) =>
      call({ method: 'validate', params: { value }, signal: AbortSignal.timeout(VALIDATE_LIMIT_MS), abandonAfterMs: () => 0 }),
    description.configJsonSchema,
  );

  const core = {
    specVersion: 'adapter-v1',
    type,
    configSchema: remoteConfig.schema,
    ...(description.maxConcurrentRuns === null ? {} : { maxConcurrentRuns: description.maxConcurrentRuns }),
    execute: (context: ExecuteContextV1): Promise<RunResultV1> =>
      lifecycle.run(async () => {
        const value = await call({
          method: 'execute',
          params: { ...dataOf(context), config: remoteConfig.toWire(context.config) },
          signal: context.signal,
          sinks: { ...sinksOf(context), onSpawn: (handle) => context.onSpawn(handle) },
          abandonAfterMs: abandonRunAfterMs,
        });
        return checkResult(type, 'execute', runResult, value);
      }),
    ...(description.canTestEnvironment
      ? {
          testEnvironment: async (context: TestContextV1) => {
            const value = await call({
              method: 'test-environment',
              params: { ...dataOf(context), config: remoteConfig.toWire(context.config) },
              signal: context.signal,
              abandonAfterMs: abandonQuestionAfterMs,
            });
            return checkResult(type, 'testEnvironment', environmentReport, value);
          },
        }
      : {}),
    ...(description.interactive
      ? { interactive: createRemoteSessions({ type, interactive: description.interactive, source, lifecycle, remoteConfig }) }
      : {}),
  } as const;

  if (description.liveness === 'attached') return { ...core, hasOutOfProcessLiveness: false };
  return { ...core, hasOutOfProcessLiveness: true, outOfProcess: outOfProcess(description, remoteConfig, lifecycle, call) };
}

function outOfProcess(
  { type, liveness: kind }: AdapterDescription,
  remoteConfig: RemoteConfig,
  lifecycle: AdapterLifecycle,
  call: (request: CallRequest) => Promise<unknown>,
): OutOfProcessV1 {
  const paramsOf = (context: ProbeQueryV1 | ReattachContextV1 | TerminateContextV1) => ({
    ...dataOf(context),
    config: remoteConfig.toWire(context.config),
  });
  const terminate = async (context: TerminateContextV1) => {
    const { signal } = context;
    const value = await call({ method: 'terminate', params: paramsOf(context), signal, abandonAfterMs: abandonQuestionAfterMs });
    return checkResult(type, 'terminate', termination, value);
  };
  if (kind === 'log-driven') return { kind, terminate };
  return {
    kind: 'handle',
    terminate,
    // "Could not find out" is an answer: a worker that crashed or is away says nothing about the work.
    async probe(query): Promise<LivenessV1> {
      try {
        const value = await call({
          method: 'probe',
          params: paramsOf(query),
          signal: query.signal,
          abandonAfterMs: () => 0,
        });
        return checkResult(type, 'probe', liveness, value);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        return { state: 'unknown', retryAfterMs: PROBE_RETRY_MS, message: `The adapter ${type} could not be asked: ${message}` };
      }
    },
    reattach: (context) =>
      lifecycle.run(async () => {
        const value = await call({
          method: 'reattach',
          params: paramsOf(context),
          signal: context.signal,
          sinks: sinksOf(context),
          abandonAfterMs: abandonRunAfterMs,
        });
        return checkResult(type, 'reattach', runResult, value);
      }),
  };
}

function sinksOf(context: RunSinksV1): CallSinks {
  return {
    onLog: (stream, text, mark) => (mark ? context.onLog(stream, text, mark) : context.onLog(stream, text)),
    onAlive: () => context.onAlive(),
    onEvent: (event) => context.onEvent(event),
  };
}
