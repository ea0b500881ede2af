import { createHash, timingSafeEqual } from 'node:crypto';
import type { Clock } from '../supervisor/ports/index.js';
import type { RunnerPatch, RunnerRecord } from './runner-record.js';
import type { RunnerStore } from './runner-store.js';

/**
 * The registered runners, in memory and fresh enough: the catalog must answer without waiting, and each call of a runner
 * is authenticated. Changes by other instances show after the next `refresh`.
 */
export interface RunnerDirectory {
  refresh(): Promise<void>;
  all(): readonly RunnerRecord[];
  get(id: string): RunnerRecord | null;
  register(runner: RunnerRecord): Promise<RunnerRecord>;
  patch(id: string, patch: RunnerPatch): Promise<boolean>;
  remove(id: string): Promise<boolean>;
  /** The runner if the token is its own. Asks the store when it is not known here. */
  authenticate(id: string, token: string): Promise<RunnerRecord | 'unknown' | 'refused'>;
}

export function hashRunnerToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

export function createRunnerDirectory(store: RunnerStore, clock: Clock): RunnerDirectory {
  let records = new Map<string, RunnerRecord>();
  return {
    async refresh() {
      records = new Map((await store.listRunners()).map((record) => [record.id, record]));
    },
    all: () => [...records.values()],
    get: (id) => records.get(id) ?? null,
    async register(runner) {
      const stored = await store.registerRunner(runner);
      records.set(stored.id, stored);
      return stored;
    },
    async patch(id, patch) {
      const isKnown = await store.patchRunner(id, patch, clock.now());
      const record = records.get(id);
      if (record && isKnown) records.set(id, { ...record, ...patch });
      return isKnown;
    },
    async remove(id) {
      const isKnown = await store.removeRunner(id);
      records.delete(id);
      return isKnown;
    },
    async authenticate(id, token) {
      const record = records.get(id) ?? (await store.findRunner(id));
      if (record === null) return 'unknown';
      records.set(id, record);
      const given = Buffer.from(hashRunnerToken(token), 'hex');
      const expected = Buffer.from(record.tokenHash, 'hex');
      return given.length === expected.length && timingSafeEqual(given, expected) ? record : 'refused';
    },
  };
}
