/** One page of a list; `nextCursor` is null on the last one and otherwise opaque to clients. */
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor: string | null;
}

export interface PageQuery {
  /** Items wanted; at most `maxPageSize` are given. */
  readonly limit: number;
  /** `nextCursor` of the page before; null = the first page. */
  readonly cursor: string | null;
}

/** No query reads more rows than this, whatever a client asks for. */
export const maxPageSize = 200;

export function pageLimit(limit: number): number {
  return Math.max(1, Math.min(maxPageSize, Math.floor(limit)));
}

/** Cuts the one row that was read too many; it tells whether another page follows. */
export function pageFromRows<Item>(rows: readonly Item[], limit: number, cursorOf: (item: Item) => string): Page<Item> {
  const items = rows.slice(0, pageLimit(limit));
  const last = items.at(-1);
  return { items, nextCursor: rows.length > items.length && last !== undefined ? cursorOf(last) : null };
}
