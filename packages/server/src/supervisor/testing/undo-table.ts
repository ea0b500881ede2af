/** A map whose changes can be taken back: the tables of the in-memory store. Rows are never changed in place. */
export interface UndoTable<Row> {
  get(key: string): Row | null;
  set(key: string, row: Row): void;
  delete(key: string): void;
  all(): Row[];
}

/** The changes of the open transaction, newest last. */
export type UndoLog = (() => void)[];

export function createUndoTable<Row>(undo: () => UndoLog): UndoTable<Row> {
  const rows = new Map<string, Row>();
  const remember = (key: string): void => {
    const before = rows.get(key);
    undo().push(() => (before === undefined ? rows.delete(key) : rows.set(key, before)));
  };
  return {
    get: (key) => rows.get(key) ?? null,
    set(key, row) {
      remember(key);
      rows.set(key, row);
    },
    delete(key) {
      remember(key);
      rows.delete(key);
    },
    all: () => [...rows.values()],
  };
}
