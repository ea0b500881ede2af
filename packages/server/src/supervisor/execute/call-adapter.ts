import { InternalError, type RunHandleV1, type RunResultV1, type RunSinksV1 } from '@runbeat/adapter-sdk';
import { SupervisorError } from '../model/index.js';
import type { Assignment } from './execution-host.js';
import { type PreparedRun, runInput } from './prepare-run.js';

/** Builds the context and calls `execute` or `reattach`. What is thrown synchronously becomes a rejection. */
export async function callAdapter(
  assignment: Assignment,
  call: {
    readonly prepared: PreparedRun;
    readonly sinks: RunSinksV1;
    readonly signal: AbortSignal;
    readonly afterCursor: string | null;
    readonly storeHandle: (handle: RunHandleV1) => Promise<void>;
  },
): Promise<RunResultV1> {
  const { adapter, agent, issue, run } = assignment;
  const shared = {
    ...call.sinks,
    runId: run.id,
    attempt: run.attempt,
    config: call.prepared.config,
    agent: { id: agent.id, companyId: agent.companyId, name: agent.name, role: agent.role },
    input: runInput(run, issue),
    environment: call.prepared.environment,
    signal: call.signal,
  };
  if (assignment.mode === 'execute') {
    let isSpawned = false;
    return adapter.execute({
      ...shared,
      previousSession: assignment.previousSession,
      async onSpawn(handle) {
        if (isSpawned) throw new SupervisorError('invalid_state', 'onSpawn was called twice for one attempt.');
        isSpawned = true;
        await call.storeHandle(handle);
      },
    });
  }
  if (adapter.outOfProcess?.kind !== 'handle' || run.handle === null) {
    throw new InternalError(`Run ${run.id} cannot be reattached: adapter ${adapter.type} has no handle to do it by.`);
  }
  return adapter.outOfProcess.reattach({ ...shared, handle: run.handle, afterCursor: call.afterCursor });
}
