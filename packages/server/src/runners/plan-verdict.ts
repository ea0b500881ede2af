import type { RunnerAbort, RunnerJobReport, RunnerVerdict } from '@runbeat/protocol';
import { isReclaimable, type RunnerJobRecord } from './runner-job-record.js';

/** What the server knows about a job that a runner reports. */
export interface VerdictFacts {
  readonly report: RunnerJobReport;
  readonly runnerId: string;
  readonly homeId: string;
  /** Null = no such job was ever assigned, as far as this database knows. */
  readonly record: RunnerJobRecord | null;
  /** What the run store says; only asked for when this server does not follow the run. */
  readonly runStatus: 'active' | 'ended' | 'unknown';
  readonly cancel: RunnerAbort | null;
  /** Where the runner goes on with the log; null = where it is. */
  readonly logOffset: number | null;
}

/** What a runner shall do with a job that it holds. A running job is never ended because the server does not know it. */
export function planVerdict(facts: VerdictFacts): RunnerVerdict {
  const { report, record } = facts;
  const answer = (verdict: RunnerVerdict['verdict']): RunnerVerdict => ({
    runId: report.runId,
    verdict,
    logOffset: verdict === 'keep' || verdict === 'cancel' ? facts.logOffset : null,
    cancel: verdict === 'cancel' ? facts.cancel : null,
  });
  if (record === null) return answer(facts.runStatus === 'ended' ? 'fenced' : 'unknown');
  if (isReclaimable(record, { runnerId: facts.runnerId, leaseEpoch: report.leaseEpoch })) return answer('keep');
  const isHolder =
    record.runnerId === facts.runnerId &&
    record.leaseEpoch === report.leaseEpoch &&
    (record.homeId === null || record.homeId === facts.homeId);
  if (!isHolder || record.state === 'lost') return answer('fenced');
  // Closed without its runner. A result that waits is still asked for: the finish itself is answered.
  if (facts.runStatus === 'ended' && report.phase !== 'finishing') return answer('fenced');
  // Its finish was accepted and the answer got lost: the runner asks again and is told so.
  if (record.state === 'done') return answer(report.phase === 'finishing' ? 'keep' : 'fenced');
  return answer(facts.cancel === null ? 'keep' : 'cancel');
}
