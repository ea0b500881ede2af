import type { BackgroundWork } from '../loops/background-work.js';
import { wait } from '../loops/wait.js';
import type { RunId } from '../model/index.js';
import type { SettleAnswer } from '../settle/settle-run.js';
import type { SupervisorDependencies } from '../supervisor-dependencies.js';
import type { ActiveRuns } from './active-runs.js';
import type { ExecutionEnd } from './end-execution.js';
import type { Assignment, ExecutionHost } from './execution-host.js';
import { startExecution } from './run-execution.js';

/** Where executions begin, and where their ends are handed on. */
export interface ExecutionDesk {
  begin(assignment: Assignment): void;
}

/** Time before a run whose adapter let it go is looked at again, doubled with each time in a row. */
const firstPauseMs = 1_000;
const longestPauseMs = 30_000;

export function createExecutionDesk(
  dependencies: SupervisorDependencies,
  options: {
    readonly host: ExecutionHost;
    readonly activeRuns: ActiveRuns;
    readonly background: BackgroundWork;
    readonly unfollowed: Set<RunId>;
    readonly onSettled: (answer: SettleAnswer) => void;
    /** A slot became free. */
    readonly onFreed: () => void;
    /** A run that was let go should be looked at now. */
    readonly recover: (runId: RunId) => Promise<void>;
  },
): ExecutionDesk {
  const { activeRuns, background } = options;
  // Times in a row that a run was let go; forgotten when it ends any other way.
  const releases = new Map<RunId, number>();

  const lookAgain = async (runId: RunId, message: string): Promise<void> => {
    const count = (releases.get(runId) ?? 0) + 1;
    releases.set(runId, count);
    dependencies.logger.warn({ runId, count, problem: message }, 'a run is not followed any more; looking again in a moment');
    dependencies.metrics.count('runs_released_total');
    await wait(dependencies.clock, Math.min(firstPauseMs * 2 ** (count - 1), longestPauseMs), options.host.stopSignal);
    if (!options.host.stopSignal.aborted) await options.recover(runId);
  };
  const onFinished = (assignment: Assignment, end: ExecutionEnd): void => {
    const { id } = assignment.run;
    activeRuns.remove(id);
    if (end.kind === 'released') {
      options.unfollowed.add(id);
      background.track(`recovery of run ${id}`, lookAgain(id, end.message));
    } else {
      releases.delete(id);
    }
    if (end.kind === 'settled') {
      options.onSettled(end.answer);
      if (end.answer.outcome === 'moved' && end.answer.run.status === 'succeeded') {
        dependencies.telemetry.track({
          name: 'agent.task_completed',
          role: assignment.agent.role,
          adapterType: end.answer.run.adapterType,
          model: end.answer.run.model,
        });
      }
    }
    options.onFreed();
  };
  return {
    begin(assignment) {
      const execution = startExecution(dependencies, options.host, assignment);
      activeRuns.add(execution);
      background.track(
        `run ${assignment.run.id}`,
        execution.finished.then((end) => onFinished(assignment, end)),
      );
    },
  };
}
