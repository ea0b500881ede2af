import type { Json } from '@runbeat/adapter-sdk';
import { type CompanyId, createId } from '../../supervisor/model/index.js';
import type { Executor } from '../executor.js';
import { activityLog } from '../schema/index.js';

export interface ActivityEntry {
  readonly id: string;
  readonly companyId: CompanyId;
  readonly actor: string;
  readonly action: string;
  readonly entityType: string;
  readonly entityId: string;
  readonly data: Json;
  readonly createdAt: Date;
}

export async function appendActivity(
  executor: Executor,
  entry: Omit<ActivityEntry, 'id' | 'createdAt' | 'data'> & { readonly data?: Json },
  now: Date,
): Promise<void> {
  await executor.insert(activityLog).values({ ...entry, id: createId<string>(now), createdAt: now });
}
