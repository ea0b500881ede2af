/** A JSON object of unknown shape. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The object on a line; null for text between the JSON lines, which CLIs print now and then. */
export function objectFromLine(line: string): JsonObject | null {
  if (!line.trimStart().startsWith('{')) return null;
  try {
    return asObject(JSON.parse(line));
  } catch {
    return null;
  }
}

export function asObject(value: unknown): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null;
}

export function asText(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

export function asCount(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

/** Leaves out the members that are null: in a report, absent means unknown. */
export function present<T extends Record<string, unknown>>(values: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null && value !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}

const summaryLimit = 280;

/** The first lines of a final answer, short enough for a list. */
export function summaryOf(text: string | null): string | null {
  const oneLine = text?.trim().replaceAll(/\s+/g, ' ') ?? '';
  if (oneLine === '') return null;
  return oneLine.length <= summaryLimit ? oneLine : `${oneLine.slice(0, summaryLimit - 1).trimEnd()}…`;
}
