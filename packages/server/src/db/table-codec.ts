import { type Column, getTableColumns, type Table } from 'drizzle-orm';
import { toSnakeCase } from 'drizzle-orm/casing';

/** The way between a table's rows and objects for hand-written statements, from the same definition that drizzle uses. */
export interface TableCodec<Row> {
  readonly keys: readonly (keyof Row & string)[];
  /** `"id", "company_id", …`, in the order of `keys`; with a prefix for statements that name the table differently. */
  columnList(prefix?: string): string;
  columnName(key: keyof Row & string): string;
  /** From a row in the order of `keys`. */
  rowFrom(values: readonly unknown[]): Row;
  /** A member as the driver takes it. */
  parameter(key: keyof Row & string, value: unknown): unknown;
  parameters(row: Row): unknown[];
}

/** `omit`: columns that only statements see. */
export function tableCodec<T extends Table, Omitted extends keyof T['$inferSelect'] & string = never>(
  table: T,
  omit: readonly Omitted[] = [],
): TableCodec<Omit<T['$inferSelect'], Omitted>> {
  type Row = Omit<T['$inferSelect'], Omitted>;
  type Key = keyof Row & string;
  const columns = getTableColumns(table) as Record<string, Column>;
  const keys = Object.keys(columns).filter((key) => !(omit as readonly string[]).includes(key)) as Key[];
  const names = keys.map((key) => `"${toSnakeCase(key)}"`);
  // PostgreSQL's driver gives 64-bit integers as text; ours are all below 2^53.
  const isBigint = keys.map((key) => /^big/.test(columns[key]?.getSQLType() ?? ''));

  function parameter(key: Key, value: unknown): unknown {
    if (value === null || value === undefined) return null;
    if (value instanceof Date) return value.toISOString();
    return columns[key]?.mapToDriverValue(value);
  }

  return {
    keys,
    columnList: (prefix) => (prefix === undefined ? names : names.map((name) => `${prefix}.${name}`)).join(', '),
    columnName: (key) => `"${toSnakeCase(key)}"`,
    rowFrom(values) {
      const row: Record<string, unknown> = {};
      for (let index = 0; index < keys.length; index += 1) {
        const value = values[index];
        row[keys[index] as string] = isBigint[index] && typeof value === 'string' ? Number(value) : value;
      }
      return row as Row;
    },
    parameter,
    parameters: (row) => keys.map((key) => parameter(key, row[key])),
  };
}

/** `$1, $2, …` */
export function placeholders(count: number, from = 1): string {
  return Array.from({ length: count }, (_, index) => `$${index + from}`).join(', ');
}
