import type { RunnerJobReport, RunnerVerdict } from '@runbeat/protocol';
import type { DeskJob } from './desk-job.js';
import { planVerdict } from './plan-verdict.js';
import { type RunnerContext, statusOfJob } from './runner-context.js';
import type { RunnerLink } from './runner-link.js';

/** A verdict for each reported job, and the renewal of the leases of those that go on. */
export async function judgeJobs(
  context: RunnerContext,
  link: RunnerLink,
  reports: readonly RunnerJobReport[],
  isSessionStart: boolean,
): Promise<RunnerVerdict[]> {
  const elsewhere = reports.filter((report) => !context.jobs.has(report.runId));
  const stored = elsewhere.length === 0 ? [] : await context.store.findJobs(elsewhere.map((report) => report.runId));
  const recordByRun = new Map(stored.map((record) => [record.runId, record]));
  return Promise.all(
    reports.map(async (report) => {
      const job = context.jobs.get(report.runId);
      const record = job?.record ?? recordByRun.get(report.runId) ?? null;
      const verdict = planVerdict({
        report,
        runnerId: link.runnerId,
        homeId: link.homeId,
        record,
        // A run that nobody follows here may have been ended another way while its runner works on.
        runStatus: job === undefined ? await statusOfJob(context, report.runId, record) : 'active',
        cancel: job?.cancel ?? null,
        logOffset: logOffsetOf(job, isSessionStart),
      });
      if (job && (verdict.verdict === 'keep' || verdict.verdict === 'cancel')) renew(context, job, report);
      return verdict;
    }),
  );
}

/** Where the runner goes on: told when a session begins, and later only when something that it had sent was lost here. */
function logOffsetOf(job: DeskJob | undefined, isSessionStart: boolean): number | null {
  const setback = job?.intake?.takeSetback() ?? null;
  return isSessionStart ? (job?.intake?.position().offset ?? null) : setback;
}

/** Whether the runner has the job on its disk: what it merely heard of, it forgets with a restart. */
export function isWrittenDown(report: RunnerJobReport): boolean {
  return report.phase !== 'offered' && report.phase !== 'claiming';
}

function renew(context: RunnerContext, job: DeskJob, report: RunnerJobReport): void {
  if (job.record.state !== 'leased' || !isWrittenDown(report)) return;
  if (report.session !== null) job.attached?.session?.onReport(report.session);
  job.leaseUntilMs = context.clock.monotonicMs() + context.settings.runnerLeaseMs;
  job.isAcknowledged = true;
  job.isWorkOver ||= report.phase === 'finishing';
  if (report.aliveAt !== null && report.aliveAt !== job.aliveAt && job.attached && !job.isSettled) {
    job.aliveAt = report.aliveAt;
    context.track('refresh the liveness of a run', job.attached.sinks.onAlive());
  }
}
