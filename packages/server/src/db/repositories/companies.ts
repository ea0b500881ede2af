import { asc, eq, gt } from 'drizzle-orm';
import { type CompanyId, createId } from '../../supervisor/model/index.js';
import type { Database } from '../database.js';
import type { Executor } from '../executor.js';
import { companies } from '../schema/index.js';
import { type Page, type PageQuery, pageFromRows, pageLimit } from './page.js';

export interface Company {
  readonly id: CompanyId;
  readonly name: string;
  readonly createdAt: Date;
}

export async function getCompany(executor: Executor, id: CompanyId): Promise<Company | null> {
  const [company] = await executor.select().from(companies).where(eq(companies.id, id));
  return company ?? null;
}

/** Oldest first. */
export async function listCompanies(executor: Executor, query: PageQuery): Promise<Page<Company>> {
  const rows = await executor
    .select()
    .from(companies)
    .where(query.cursor === null ? undefined : gt(companies.id, query.cursor as CompanyId))
    .orderBy(asc(companies.id))
    .limit(pageLimit(query.limit) + 1);
  return pageFromRows(rows, query.limit, (company) => company.id);
}

export async function createCompany(executor: Executor, input: { readonly name: string }, now: Date): Promise<Company> {
  const company = { id: createId<CompanyId>(now), name: input.name, createdAt: now };
  await executor.insert(companies).values(company);
  return company;
}

/** The oldest company named `local`, made when there is none. Called by a start in mode `local`; safe to call at once. */
export async function ensureLocalCompany(database: Database, now: Date): Promise<Company> {
  return database.transaction(async (executor) => {
    await executor.execute(`SELECT pg_advisory_xact_lock(hashtext('runbeat.local-company'))`);
    const [existing] = await executor.select().from(companies).where(eq(companies.name, 'local')).orderBy(companies.id).limit(1);
    return existing ?? createCompany(executor, { name: 'local' }, now);
  });
}
