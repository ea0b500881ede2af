import type { RunnerProfile } from './runner-profile.js';

/** A registered runner, as it is stored. */
export interface RunnerRecord extends RunnerProfile {
  readonly id: string;
  /** The company whose runs it may execute; null = every company's. */
  readonly companyId: string | null;
  /** SHA-256 of its token, lower-case hex. */
  readonly tokenHash: string;
  readonly adminStatus: 'enabled' | 'disabled';
  /** Null = it registered and never connected. Written at most once a minute. */
  readonly lastSeenAt: Date | null;
  readonly createdAt: Date;
}

export type RunnerPatch = Partial<Omit<RunnerRecord, 'id' | 'tokenHash' | 'createdAt'>>;
