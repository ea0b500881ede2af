import type { ProcessHandleV1 } from '@runbeat/adapter-sdk';
import type { ProcessState, ProcessTable } from '../ports/index.js';

/** A process table that a test fills. Instances are alive until they are killed in it. */
export interface FakeProcessTable extends ProcessTable {
  /** What `inspect` answers for a pid; absent = gone. */
  readonly states: Map<number, ProcessState>;
  /** Pids that `terminate` was called for, in order. */
  readonly terminated: number[];
  /** Pids of server processes that are gone. */
  readonly deadInstances: Set<number>;
}

export function createFakeProcessTable(options: {
  readonly pid: number;
  readonly host?: string;
  readonly shared?: FakeProcessTable;
}): FakeProcessTable {
  const host = options.host ?? 'test-host';
  const states = options.shared?.states ?? new Map<number, ProcessState>();
  const terminated = options.shared?.terminated ?? [];
  const deadInstances = options.shared?.deadInstances ?? new Set<number>();
  return {
    states,
    terminated,
    deadInstances,
    self: { host, pid: options.pid, hostBootId: 'boot', processStartTicks: '1' },
    async inspect(handle: ProcessHandleV1) {
      if (handle.host !== host) return { state: 'elsewhere' };
      return states.get(handle.pid) ?? { state: 'gone', isReused: false, livingGroupMembers: 0 };
    },
    async terminate(handle) {
      terminated.push(handle.pid);
      const was = states.get(handle.pid);
      states.set(handle.pid, { state: 'gone', isReused: false, livingGroupMembers: 0 });
      return was?.state === 'alive' || (was?.state === 'gone' && was.livingGroupMembers > 0) ? 'graceful' : 'already_gone';
    },
    isInstanceAlive: async (instance) => (instance.host === host ? !deadInstances.has(instance.pid) : null),
  };
}
