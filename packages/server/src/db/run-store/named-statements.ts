import type { Statement } from '../executor.js';

/** Statements of one kind that differ in the members they write; each shape is built once and prepared under its name. */
export type NamedStatements = (shape: string, build: () => string) => Statement;

/** The callers' shapes are few and fixed in the code, so the map stays small. */
export function namedStatements(prefix: string): NamedStatements {
  const known = new Map<string, Statement>();
  return (shape, build) => {
    let statement = known.get(shape);
    if (statement === undefined) {
      statement = { name: `${prefix}_${known.size}`, text: build() };
      known.set(shape, statement);
    }
    return statement;
  };
}
