import {
  AdapterError,
  type InteractiveProtocolV1,
  type InteractiveV1,
  type Json,
  type RunResultV1,
  type SessionContextV1,
  type SessionWorkerV1,
  type SessionWriteV1,
  type WorkerExitV1,
} from '@runbeat/adapter-sdk';
import { type RunnerJobSpec, type RunnerSessionAction, runnerWorkerExitSchema } from '@runbeat/protocol';
import type { RunPlacement } from '../supervisor/model/index.js';
import { showOffer } from './assign-job.js';
import { createDeskJob, type DeskJob } from './desk-job.js';
import { cancelJob, obeyAborts } from './end-job.js';
import { logCursorFromText } from './log-cursor.js';
import { newJobRecord, placeJob } from './place-job.js';
import type { RunnerContext } from './runner-context.js';
import { notifyLink } from './runner-link.js';
import { createSessionDesk, type SessionDesk } from './session-desk.js';

/** The answer to a question of the agent waits this long for the runner; then it is on its way, like a message in a queue. */
const ANSWER_WAIT_MS = 10_000;

/** Conversations with workers on a runner. To the session a runner's worker is like any other that survives this server. */
export function createRunnerInteractive(
  context: RunnerContext,
  adapterType: string,
  placement: RunPlacement,
  protocol: InteractiveProtocolV1,
): InteractiveV1 {
  return {
    protocol,
    async open(run) {
      const { session, attached } = attach(context, adapterType, run, null, null);
      const job = createDeskJob({
        record: newJobRecord(context, {
          runId: run.workerId,
          sessionId: run.sessionId,
          companyId: run.agent.companyId,
          adapterType,
          placement,
          previousSession: run.previousSession,
        }),
        attached,
        offerUntilMs: Number.POSITIVE_INFINITY,
        // Somebody waits for an answer: an offer that nobody takes is given up after one more has been tried.
        leaseUntilMs: context.clock.monotonicMs() + context.settings.runnerOfferMs + context.settings.runnerLeaseMs,
      });
      if (job.record.runnerId === null) {
        throw new AdapterError('start_failed', 'No runner can take the worker of the session now. Its health says why.');
      }
      await placeJob(context, job, (handle) => run.onSpawn(handle));
      const worker = workerOf(context, job, session, run.signal);
      const failure = await Promise.race([session.opened.then(() => null), job.settled]);
      if (failure !== null) throw new AdapterError('start_failed', exitFromResult(failure).message);
      return worker;
    },
    async reattach(run) {
      const [stored] = await context.store.findJobs([run.workerId]);
      if (stored === undefined || stored.state === 'done' || stored.state === 'lost') return null;
      const { session, attached } = attach(context, adapterType, run, run.afterCursor, run.promptsInFlight);
      const job = createDeskJob({
        record: stored,
        attached,
        offerUntilMs: Number.POSITIVE_INFINITY,
        // The silence before this moment may have been ours: the runner gets a whole lease and grace from now on.
        leaseUntilMs: context.clock.monotonicMs() + context.settings.runnerLeaseMs,
      });
      context.jobs.set(run.workerId, job);
      // The runner may have connected before anybody here knew of the session; its report still holds, because nothing
      // was said to the worker since.
      const link = stored.runnerId === null ? undefined : context.links.get(stored.runnerId);
      const report = link?.jobs.find((one) => one.runId === run.workerId && one.leaseEpoch === stored.leaseEpoch);
      if (report?.session) session.onReport(report.session);
      showOffer(context, job);
      return workerOf(context, job, session, run.signal);
    },
  };
}

function attach(
  context: RunnerContext,
  adapterType: string,
  run: SessionContextV1,
  afterCursor: string | null,
  promptsInFlight: readonly string[] | null,
) {
  const session = createSessionDesk({
    sinks: run,
    resumeState: run.previousSession,
    promptsInFlight,
    onCommand() {
      const runnerId = context.jobs.get(run.workerId)?.record.runnerId ?? null;
      const link = runnerId === null ? undefined : context.links.get(runnerId);
      if (link) notifyLink(link);
    },
    track: context.track,
  });
  return {
    session,
    attached: { spec: specFrom(adapterType, run), sinks: session.sinks, session, startOfLog: logCursorFromText(afterCursor) },
  };
}

function specFrom(adapterType: string, run: SessionContextV1): RunnerJobSpec {
  return {
    runId: run.workerId,
    attempt: 1,
    adapterType,
    config: run.config as Json,
    agent: { ...run.agent },
    // A worker is asked by messages; there is nothing to start it with.
    input: { prompt: null, reason: null, source: 'session', payload: null, issue: null, taskKey: null },
    previousSession: run.previousSession,
    environment: { ...run.environment },
    session: { id: run.sessionId },
  } as RunnerJobSpec;
}

function workerOf(context: RunnerContext, job: DeskJob, session: SessionDesk, signal: AbortSignal): SessionWorkerV1 {
  const unlink = obeyAborts(context, job, signal);
  const exited = new Promise<WorkerExitV1>((resolve) => {
    void job.settled.then((result) => {
      unlink();
      // A server that lets go does not see the end of the worker; whoever takes it over does.
      if (result.status !== 'detached') resolve(exitFromResult(result));
    });
  });
  const say = (action: RunnerSessionAction) => session.say(action);
  return {
    get resumeState() {
      return session.resumeState();
    },
    prompt: (promptId, prompt) => say({ kind: 'prompt', promptId, prompt }),
    cancel: (promptId) => say({ kind: 'cancel', promptId }),
    async answer(requestId, answer) {
      let cancelTimer: () => void = () => undefined;
      const onItsWay = new Promise<SessionWriteV1>((resolve) => {
        cancelTimer = context.clock.setTimer(ANSWER_WAIT_MS, () => resolve({ written: true }));
      });
      const write = await Promise.race([say({ kind: 'answer', requestId, answer }), onItsWay]);
      cancelTimer();
      return write;
    },
    async stop({ graceMs }) {
      cancelJob(context, job, { kind: 'cancelled', message: 'The session was stopped', limitMs: null, graceMs });
      const result = await job.settled;
      return { stopped: result.status === 'cancelled' && result.forced ? 'forced' : 'graceful' };
    },
    exited,
  };
}

/** How a worker ended, from the finish of its job or from what this server made of it. */
function exitFromResult(result: RunResultV1): WorkerExitV1 {
  const exit = (reason: WorkerExitV1['reason'], message: string): WorkerExitV1 => ({
    exitCode: null,
    signal: null,
    reason,
    message,
    stderrTail: '',
  });
  switch (result.status) {
    case 'succeeded': {
      const parsed = runnerWorkerExitSchema.safeParse(result.resultJson);
      return parsed.success ? parsed.data : exit('process_exit', 'The runner did not tell how the worker ended.');
    }
    case 'failed':
      return exit(result.error.code === 'start_failed' ? 'start_failed' : 'process_exit', result.error.message);
    case 'cancelled':
    case 'timed_out':
      return exit('stop', 'The worker was stopped before it was up.');
    case 'detached':
      return exit('host_shutdown', 'This server let go of the worker.');
  }
}
