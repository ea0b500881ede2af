const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** A well-formed id that no row has. */
const nilUuid = '00000000-0000-0000-0000-000000000000';

/**
 * A UUID for PostgreSQL. Text that is none names nothing, so it is looked for as the nil UUID and not found; PostgreSQL
 * itself would answer with a syntax error, which would make a mistyped id in a URL a failure of the server.
 */
export function uuidParameter(value: string): string {
  return uuidPattern.test(value) ? value : nilUuid;
}

/** PostgreSQL cannot store the character U+0000; it is replaced like any other character that cannot be shown. */
export function textParameter(value: string): string {
  return value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}

/** JSON text that `jsonb` takes: the escapes of U+0000 and of lone surrogates, which it refuses, are replaced. */
export function jsonParameter(value: unknown): string {
  const json = JSON.stringify(value) ?? 'null';
  if (!json.includes('\\u')) return json;
  return json.replace(/\\(?:\\|u0000|ud[89a-f][0-9a-f]{2})/g, (sequence) => (sequence === '\\\\' ? sequence : '\\ufffd'));
}
