import type { RunnerJobReport, RunnerMessage, RunnerVerdict } from '@runbeat/protocol';
import type { RunnerClock } from '../runner-clock.js';
import { createJobActor, type JobActor, type JobActorOptions, reasonFromWire } from './job-actor.js';

/** All jobs of this runner. */
export interface JobTable {
  /** Takes up what an earlier process left in the home folder. */
  recover(): Promise<void>;
  take(messages: readonly RunnerMessage[]): void;
  judge(verdicts: readonly RunnerVerdict[]): void;
  /** The connection is back: everything that waits is sent. */
  resume(): void;
  /** Before a new session is asked for: the server numbers on from the reports that it gets with it. */
  forgetCommands(): void;
  reports(): RunnerJobReport[];
  freeSlots(): number;
  /** No contact for longer than lease and grace. */
  disconnectedTooLong(): void;
  /** Takes no more work and leaves or ends what runs; resolves when every adapter call has settled. */
  release(): Promise<void>;
  /** Results and log bytes that the server has not accepted. */
  undelivered(): { readonly outboxDepth: number; readonly spoolBytes: number; readonly blockedReason: string | null };
  close(): Promise<void>;
}

export interface JobTableOptions extends Omit<JobActorOptions, 'runId' | 'onGone'> {
  readonly slots: number;
  readonly clock: RunnerClock;
}

export function createJobTable(options: JobTableOptions): JobTable {
  const { files, logger } = options;
  const actors = new Map<string, JobActor>();
  const restoring = new Set<string>();
  let isTakingWork = true;

  function add(runId: string, leaseEpoch: number, found: Parameters<typeof createJobActor>[2]): JobActor {
    const actor = createJobActor({ ...options, runId, onGone: () => actors.delete(runId) }, leaseEpoch, found);
    actors.set(runId, actor);
    return actor;
  }

  function takeOffer(runId: string, leaseEpoch: number, adapterType: string): void {
    const known = actors.get(runId);
    if (known) {
      known.dispatch({ type: 'offered', leaseEpoch });
      return;
    }
    if (!isTakingWork || freeSlots() <= 0 || restoring.has(runId)) return;
    restoring.add(runId);
    // A run that was given up here because the server had forgotten it: its log and result are still there.
    files
      .restoreLost(runId)
      .then((found) => {
        // Its adapter was removed while the offer was on its way: left to a runner that has it, instead of failing here.
        if (found === null && options.findAdapter(adapterType) === null) return;
        add(runId, leaseEpoch, found).dispatch({ type: 'offered', leaseEpoch });
      })
      .catch((error: unknown) => logger.error({ runId, err: error }, 'an offer could not be taken'))
      .finally(() => restoring.delete(runId));
  }

  const freeSlots = (): number => (isTakingWork ? Math.max(0, options.slots - actors.size - restoring.size) : 0);

  return {
    async recover() {
      const { found, broken } = await files.findAll();
      for (const runId of broken) logger.error({ runId }, 'a job on disk cannot be read; it was moved to lost/');
      for (const one of found) {
        const { spec, leaseEpoch, starts } = one.job;
        logger.info({ runId: spec.runId, starts, isFinished: one.finish !== null }, 'job found on disk');
        add(spec.runId, leaseEpoch, one);
      }
    },
    take(messages) {
      for (const message of messages) {
        const { kind, runId, leaseEpoch } = message;
        if (kind === 'offer') takeOffer(runId, leaseEpoch, message.adapterType);
        else if (kind === 'cancel') actors.get(runId)?.dispatch({ type: 'cancelled', reason: reasonFromWire(message.reason) });
        else actors.get(runId)?.say(leaseEpoch, message.commands);
      }
    },
    judge(verdicts) {
      for (const verdict of verdicts) actors.get(verdict.runId)?.judge(verdict);
    },
    resume() {
      for (const actor of actors.values()) actor.resume();
    },
    forgetCommands() {
      for (const actor of actors.values()) actor.forgetCommands();
    },
    reports: () => [...actors.values()].map((actor) => actor.report()),
    freeSlots,
    disconnectedTooLong() {
      for (const actor of actors.values()) actor.dispatch({ type: 'disconnected-too-long' });
    },
    async release() {
      isTakingWork = false;
      await Promise.all([...actors.values()].map((actor) => actor.release()));
    },
    undelivered() {
      const all = [...actors.values()];
      return {
        outboxDepth: all.filter((actor) => actor.state().phase === 'finishing').length,
        spoolBytes: all.reduce((sum, actor) => sum + actor.unackedBytes(), 0),
        blockedReason: all.map((actor) => actor.blockedReason()).find((reason) => reason !== null) ?? null,
      };
    },
    async close() {
      await Promise.all([...actors.values()].map((actor) => actor.close()));
    },
  };
}
