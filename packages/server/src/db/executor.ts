import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import type pg from 'pg';

/**
 * What runs a statement: the pool (each statement on its own) or one connection inside a transaction. First argument of
 * every repository function, so that the caller decides what is true together.
 */
export type Executor = NodePgDatabase<Record<string, never>> & { readonly $client: pg.Pool | pg.PoolClient };

const executors = new WeakMap<object, Executor>();

/** The executor of a pool or connection; the same one for the same client, since making one costs more than a query. */
export function executorOf(client: pg.Pool | pg.PoolClient): Executor {
  let executor = executors.get(client);
  if (executor === undefined) {
    executor = drizzle(client as pg.Pool, { casing: 'snake_case' });
    executors.set(client, executor);
  }
  return executor;
}

/** SQL with a name is parsed and planned once per connection. The name must always come with the same text. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** Runs a prepared statement; rows come as arrays in the order of the selected columns. */
export async function runStatement(
  executor: Executor,
  statement: Statement,
  values: readonly unknown[],
): Promise<{ readonly rows: readonly (readonly unknown[])[]; readonly rowCount: number }> {
  const result = await executor.$client.query({
    name: statement.name,
    text: statement.text,
    values: values as unknown[],
    rowMode: 'array',
  });
  return { rows: result.rows as unknown[][], rowCount: result.rowCount ?? 0 };
}
