import type { RunnerJobRecord } from './runner-job-record.js';
import type { RunnerRecord } from './runner-record.js';
import type { RunnerStore } from './runner-store.js';

/** Keeps runners in memory; for tests and for servers that are thrown away. */
export function createMemoryRunnerStore(): RunnerStore {
  const runners = new Map<string, RunnerRecord>();
  const jobs = new Map<string, RunnerJobRecord>();
  return {
    async registerRunner(runner) {
      const known = [...runners.values()].find((one) => one.tokenHash === runner.tokenHash);
      if (known) return known;
      runners.set(runner.id, runner);
      return runner;
    },
    findRunner: async (id) => runners.get(id) ?? null,
    listRunners: async () => [...runners.values()].sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime()),
    async patchRunner(id, patch) {
      const runner = runners.get(id);
      if (runner) runners.set(id, { ...runner, ...patch });
      return runner !== undefined;
    },
    removeRunner: async (id) => runners.delete(id),
    findJobs: async (runIds) => runIds.flatMap((runId) => jobs.get(runId) ?? []),
    async putJob(job) {
      if ((jobs.get(job.runId)?.leaseEpoch ?? -1) > job.leaseEpoch) return false;
      jobs.set(job.runId, job);
      return true;
    },
    async patchJob(guard, patch, now) {
      const job = jobs.get(guard.runId);
      if (job?.leaseEpoch !== guard.leaseEpoch) return false;
      jobs.set(guard.runId, { ...job, ...patch, updatedAt: now });
      return true;
    },
    async pruneJobs(before) {
      const old = [...jobs.values()].filter((job) => (job.state === 'done' || job.state === 'lost') && job.updatedAt < before);
      for (const job of old) jobs.delete(job.runId);
      return old.length;
    },
  };
}
